"""Secrets that are known by their shape: the keys and tokens of providers, and JSON Web Tokens.

The formats are those that the providers document or that their keys were seen to have. Lengths are lower bounds,
somewhat below what is issued today: providers lengthen their keys, and nothing else looks like them.
"""

from __future__ import annotations

import re
from typing import Final

from flightlog.redaction import pem
from flightlog.redaction.heads import Shape, after_head, around, family, has_digit, has_random_run
from flightlog.redaction.rule import Family, matching

_UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

_GLUED: Final = "[A-Za-z0-9]{30,}+(?:_[A-Za-z0-9]{30,}+)*+"
"""One tail, or those of several that follow one another without a gap, as pieces of a stream do."""

_DASH: Final = (
    Shape("anthropic_key", ("sk-",), r"ant-[A-Za-z0-9_-]{16,}", has_random_run),
    Shape("openai_key", ("sk-",), r"[A-Za-z0-9_-]{16,}", has_random_run),
    Shape("openai_key", ("sess-",), r"[A-Za-z0-9]{40}(?![A-Za-z0-9])", has_digit),
    Shape(
        "helicone_key",
        ("sk-helicone-", "sk-helicone-eu-", "sk-helicone-cp-"),
        r"[a-z0-9]{7}(?:-[a-z0-9]{7}){3}",
        has_digit,
    ),
    Shape(
        "gitlab_token",
        tuple(
            f"gl{kind}-"
            for kind in (
                "pat",
                "dt",
                "rt",
                "rtr",
                "cbt",
                "ptt",
                "ft",
                "imt",
                "agent",
                "soat",
                "oas",
                "ffct",
                "wt",
            )
        ),
        r"[A-Za-z0-9_-]{16,}(?:\.[0-9a-z]{2}\.[0-9a-z]{9})?",
    ),
    Shape("slack_token", ("xox[a-z]\\.xox[a-z]-", "xox[a-z]-", "xwfp-"), r"[A-Za-z0-9-]{10,}", has_digit),
    Shape("slack_token", ("xapp-",), r"[0-9]-[A-Za-z0-9-]{10,}", has_digit),
    Shape("pypi_token", ("pypi-",), r"Ag[A-Za-z0-9_-]{32,}"),
    Shape("postman_key", ("PMAK-",), r"[0-9a-f]{24}-[0-9a-f]{34}"),
    Shape("new_relic_key", ("NRAK-", "NRAA-", "NRII-"), r"[A-Za-z0-9_-]{20,}"),
    Shape("new_relic_key", ("NRJS-",), r"[0-9a-f]{19}"),
    Shape("pulumi_token", ("pul-",), r"[0-9a-f]{40}"),
    Shape("perplexity_key", ("pplx-",), r"[A-Za-z0-9]{40,}"),
    Shape("xai_key", ("xai-",), r"[A-Za-z0-9]{60,}"),
    Shape("nvidia_key", ("nvapi-",), r"[A-Za-z0-9_-]{40,}", has_random_run),
    Shape("tavily_key", ("tvly-",), r"[A-Za-z0-9-]{24,}", has_random_run),
    Shape("firecrawl_key", ("fc-",), r"[0-9a-f]{32}(?![A-Za-z0-9])"),
    Shape("mailgun_key", ("key-",), r"[0-9a-f]{32}(?![A-Za-z0-9])"),
    Shape("heroku_key", ("HRKU-",), r"[A-Za-z0-9_-]{36,}"),
    Shape("google_oauth_secret", ("GOCSPX-",), r"[A-Za-z0-9_-]{24,}"),
    Shape("square_token", ("sq0[a-z][a-z][a-z]-",), r"[A-Za-z0-9_-]{22,}"),
    Shape("contentful_token", ("CFPAT-",), r"[A-Za-z0-9_-]{40,}"),
    Shape("age_key", ("AGE-SECRET-KEY-",), r"(?:PQ-)?1[A-Z0-9]{50,}"),
    Shape("flutterwave_key", ("FLWSECK-", "FLWSECK_TEST-"), r"[0-9a-h]{12,}(?:-X)?", has_digit),
    Shape(
        "one_password_token",
        ("A3-",),
        r"[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}",
    ),
    Shape("brevo_key", ("xkeysib-", "xsmtpsib-"), r"[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    Shape("tailscale_key", ("tskey-",), r"[a-z]{3,9}-[A-Za-z0-9]{8,}(?:-[A-Za-z0-9]{16,})?", has_digit),
    Shape("hubspot_token", ("pat-[a-z][a-z][0-9]-",), _UUID),
    Shape("plaid_token", ("access-sandbox-", "access-development-", "access-production-"), _UUID),
    Shape("launchdarkly_key", ("sdk-",), _UUID),
    Shape("bedrock_key", ("bedrock-api-key-",), r"[A-Za-z0-9+/_-]{32,}={0,2}", has_random_run),
    Shape("infracost_key", ("ico-",), r"[A-Za-z0-9]{32}(?![A-Za-z0-9])", has_digit),
    Shape("octopus_key", ("API-",), r"[A-Z0-9]{25,}(?![A-Za-z0-9])", has_digit),
    Shape("frameio_token", ("fio-u-",), r"[A-Za-z0-9_=-]{60,}"),
    Shape("scalingo_token", ("tk-us-",), r"[A-Za-z0-9_-]{48}"),
    Shape("adobe_secret", ("p8e-",), r"[A-Za-z0-9_-]{32}(?![A-Za-z0-9])", has_digit),
    Shape("intra42_secret", ("s-s4t2ud-", "s-s4t2af-"), r"[0-9a-f]{64}"),
    Shape("stytch_secret", ("secret-live-", "secret-test-"), r"[A-Za-z0-9_-]{36,}={0,2}", has_digit),
    Shape("jetbrains_token", ("perm-",), r"[A-Za-z0-9+/=]{4,}+\.[A-Za-z0-9+/=-]{4,}+\.[A-Za-z0-9]{20,}"),
    Shape("axiom_token", ("xaat-", "xapt-"), _UUID),
    Shape("arize_key", ("ak-",), _UUID + r"(?:-[A-Za-z0-9_-]{16,})?"),
    Shape("akamai_token", ("akab-",), r"[a-z0-9]{16}-[a-z0-9]{16}(?![A-Za-z0-9-])", has_digit),
    Shape("inngest_key", ("signkey-prod-", "signkey-test-", "signkey-branch-"), r"[0-9a-f]{32,}"),
    Shape("statsig_key", ("secret-",), r"[A-Za-z0-9]{43}(?![A-Za-z0-9_-])", has_digit),
    Shape("cerebras_key", ("csk-",), r"[A-Za-z0-9]{40,}"),
    Shape("voyage_key", ("pa-",), r"[A-Za-z0-9_-]{40,}", has_random_run),
    Shape("llama_cloud_key", ("llx-",), r"[A-Za-z0-9]{40,}"),
    Shape("mem0_key", ("m0-",), r"[A-Za-z0-9]{40}(?![A-Za-z0-9])"),
    Shape("modal_token", ("a[ks]-",), r"[A-Za-z0-9]{22}(?![A-Za-z0-9_-])", has_digit),
    Shape("defined_networking_token", ("dnkey-",), r"[A-Za-z0-9_=-]{26}-[A-Za-z0-9_=-]{52}"),
)

_UNDERSCORE: Final = (
    Shape("github_token", ("gh[oprsu]_",), _GLUED),
    Shape("github_token", ("github_pat_",), r"[A-Za-z0-9_]{22,}"),
    Shape(
        "stripe_key",
        ("[rs]k_live_", "[rs]k_test_", "[rs]k_prod_"),
        r"[A-Za-z0-9]{16,}+(?:[_-]++[A-Za-z0-9]++)*+",
        has_digit,
    ),
    Shape("hugging_face_token", ("hf_", "api_org_"), _GLUED),
    Shape("npm_token", ("npm_",), _GLUED),
    Shape("shopify_token", ("shpat_", "shpca_", "shppa_", "shpss_", "shpua_", "shptka_"), r"[0-9a-fA-F]{32}"),
    Shape(
        "shopify_token", ("atkn_",), r"[0-9a-f]{32,}"
    ),  # app automation: seen in public settings, in no manual
    Shape("digitalocean_token", ("do[opr]_v1_",), r"[0-9a-f]{60,}"),
    Shape("linear_key", ("lin_api_", "lin_oau_", "lin_wh_"), r"[A-Za-z0-9]{32,}"),
    Shape("sentry_token", ("sntry[a-z]_",), r"[A-Za-z0-9+/=_-]{32,}", has_random_run),
    Shape("grafana_token", ("glsa_",), r"[A-Za-z0-9]{32}_[0-9a-fA-F]{8}"),
    Shape("groq_key", ("gsk_",), r"[A-Za-z0-9]{40,}"),
    Shape("langsmith_key", ("lsv2_pt_", "lsv2_sk_"), r"[0-9a-f]{32}_[0-9a-f]{10}"),
    Shape("replicate_token", ("r8_",), r"[A-Za-z0-9]{36,}"),
    Shape("supabase_token", ("sbp_", "sbp_oauth_", "sbp_v0_"), r"[0-9a-f]{40}"),
    Shape("netlify_token", ("nf[bcopu]_",), r"[A-Za-z0-9]{36,}"),
    Shape("notion_token", ("ntn_",), r"[A-Za-z0-9]{40,}"),
    Shape("notion_token", ("secret_",), r"[A-Za-z0-9]{43}(?![A-Za-z0-9])", has_digit, is_common=True),
    Shape("rubygems_key", ("rubygems_",), r"[0-9a-f]{48}"),
    Shape("prefect_key", ("pn[bu]_",), r"[A-Za-z0-9]{36}"),
    Shape("readme_key", ("rdme_",), r"[a-z0-9]{70}"),
    Shape("shippo_token", ("shippo_live_", "shippo_test_"), r"[0-9a-f]{40}"),
    Shape("clojars_token", ("CLOJARS_",), r"[A-Za-z0-9]{60}"),
    Shape("one_password_token", ("ops_",), r"eyJ[A-Za-z0-9+/]{200,}={0,3}"),
    Shape("sourcegraph_token", ("sgp_", "sgp_local_"), r"(?:[0-9a-f]{16}_)?[0-9a-f]{40}"),
    Shape("sourcegraph_token", ("sg[ds]_", "slk_"), r"[0-9a-f]{64}"),
    Shape("e2b_key", ("e2b_",), r"[0-9a-f]{40}"),
    Shape("jina_key", ("jina_",), r"[A-Za-z0-9]{40,}(?:_[A-Za-z0-9]+)?"),
    Shape("fireworks_key", ("fw_",), r"[A-Za-z0-9]{20,}", has_digit),
    Shape("anyscale_key", ("esecret_",), r"[A-Za-z0-9]{20,}", has_digit),
    Shape("razorpay_key", ("rzp_live_", "rzp_test_"), r"[A-Za-z0-9]{14,}", has_digit),
    Shape("posthog_key", ("ph[crsx]_",), r"[A-Za-z0-9]{40,}"),
    Shape("adafruit_key", ("aio_",), r"[A-Za-z0-9]{28}(?![A-Za-z0-9])", has_digit),
    Shape("elevenlabs_key", ("sk_",), r"[0-9a-f]{48}(?![A-Za-z0-9])"),
    Shape("render_key", ("rnd_",), r"[A-Za-z0-9]{28,}", has_digit),
    Shape("sonar_token", ("sq[apu]_",), r"[0-9a-f]{40}"),
    Shape("buildkite_token", ("bk[a-z][a-z]_",), r"[0-9a-f]{40}"),
    Shape("lob_key", ("live_", "test_"), r"[0-9a-f]{35}(?![A-Za-z0-9])", is_common=True),
    Shape("mollie_key", ("live_",), r"[A-Za-z0-9]{30}(?![A-Za-z0-9_])", has_digit, is_common=True),
    Shape("runpod_key", ("rpa_",), r"[A-Za-z0-9]{40,}"),
    Shape("neon_key", ("napi_",), r"[a-z0-9]{60,}"),
    Shape("vercel_token", ("vc[a-z]_",), r"[A-Za-z0-9]{24,}", has_digit),
    Shape("cloudflare_token", ("cfk_", "cf[au]t_"), r"[A-Za-z0-9]{40,}"),
    Shape(
        "cursor_key", ("key_", "crsr_"), r"[0-9a-f]{64}(?![A-Za-z0-9])", is_common=True
    ),  # seen so, in no manual
    Shape("openai_key", ("ek_",), r"[0-9a-f]{32}(?![A-Za-z0-9])"),
    Shape("apify_token", ("apify_api_",), r"[A-Za-z0-9]{30,}"),
    Shape("composio_key", ("ak_",), r"[A-Za-z0-9]{20}(?![A-Za-z0-9_])", has_digit),
    Shape("xata_key", ("xau_",), r"[A-Za-z0-9]{30,}", has_digit),
    Shape("neon_key", ("npg_",), r"[A-Za-z0-9]{12,}(?![A-Za-z0-9_])", has_digit),
    Shape("cockroach_key", ("CCDB1_",), r"[A-Za-z0-9]{22}_[A-Za-z0-9]{40}"),
    Shape("trigger_key", ("tr_dev_", "tr_prod_", "tr_stg_", "tr_pat_"), r"[A-Za-z0-9]{20,}", has_digit),
    Shape("honeycomb_key", ("hc[a-z][im]k_",), r"[0-9a-z]{26,}(?::[A-Za-z0-9]{32})?", has_digit),
    Shape("kaggle_token", ("KGAT_",), r"[0-9a-f]{32}"),
    Shape("daytona_key", ("dtn_",), r"[0-9a-f]{64}"),
    Shape("deno_token", ("dd[opw]_",), r"[A-Za-z0-9]{36}(?![A-Za-z0-9])", has_digit),
    Shape(
        "datadog_key",
        (
            "ddpat_",
            "ddsat_",
            "ddapp_",
            "ddap_",
        ),  # docs.datadoghq.com/account_management/personal-access-tokens
        r"[A-Za-z0-9]{20,}(?:_[A-Za-z0-9]{20,})?",
        has_digit,
    ),
    Shape(
        "polar_token",
        ("polar_oat_", "polar_pat_", "polar_at_u_", "polar_rt_u_"),
        r"[A-Za-z0-9]{37,}",
        has_digit,
    ),
    Shape("onesignal_key", ("os_v2_app_", "os_v2_org_"), r"[a-z0-9]{80,}"),
    Shape("calcom_key", ("cal_live_", "cal_test_"), r"[0-9a-f]{32}"),
    Shape("klaviyo_key", ("pk_",), r"[0-9a-f]{34}(?![A-Za-z0-9])"),
    Shape("settlemint_token", ("sm_[aps]at_",), r"[A-Za-z0-9]{16}(?![A-Za-z0-9])", has_digit),
    Shape("logfire_token", ("pylf_v[0-9]_[a-z][a-z]_",), r"[A-Za-z0-9]{40,}"),
)
"""Those whose tail begins with twelve letters and digits."""

_UNDERSCORE_LOOSE: Final = (
    Shape("typeform_token", ("tfp_",), r"[A-Za-z0-9_.=-]{39,}[A-Za-z0-9_=-]"),
    Shape("figma_token", ("fig[du]_",), r"[A-Za-z0-9_-]{36,}", has_digit),  # figma/code-connect, pull 371
    Shape("stripe_key", ("whsec_",), r"[A-Za-z0-9+/]{24,}={0,2}", has_digit),
    Shape("grafana_token", ("glc_",), r"[A-Za-z0-9+/]{32,}={0,3}"),
    Shape("fly_token", ("fm1r_", "fm1a_", "fm2_"), r"[A-Za-z0-9+/]{60,}={0,3}"),
    Shape("aiven_password", ("AVNS_",), r"[A-Za-z0-9_-]{18,}", has_digit),
    Shape("clickup_token", ("pk_",), r"[0-9]{4,12}_[A-Z0-9]{32}(?![A-Za-z0-9])"),
    Shape("klaviyo_key", ("pk_",), r"[A-Za-z0-9]{6}_[0-9a-f]{34}(?![A-Za-z0-9])"),
    Shape("liveblocks_key", ("sk_prod_", "sk_dev_"), r"[A-Za-z0-9_-]{40,}", has_digit),
    Shape(
        "hyperbolic_key", ("sk_live_",), r"[A-Za-z0-9_-]{40,}", has_digit
    ),  # seen in public settings, in no manual
    Shape("socket_token", ("sktsec_",), r"[A-Za-z0-9_-]{36,}", has_digit),
    Shape("browser_use_key", ("bu_",), r"[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])", has_digit),
    Shape("pinecone_key", ("pcsk_",), r"[A-Za-z0-9]{4,8}_[A-Za-z0-9]{40,}"),
    Shape("supabase_token", ("sb_secret_",), r"[A-Za-z0-9_-]{24,}", has_digit),
    Shape("docker_token", ("dckr_[po]at_",), r"[A-Za-z0-9_-]{26,}", has_digit),
    Shape(
        "planetscale_token",
        ("pscale_tkn_", "pscale_pw_", "pscale_oauth_"),
        r"[A-Za-z0-9_.=-]{31,}[A-Za-z0-9_=-]",
    ),
    Shape("resend_key", ("re_",), r"[A-Za-z0-9]{8}_[A-Za-z0-9]{24}(?![A-Za-z0-9])", is_common=True),
    Shape("together_key", ("tgp_v1_",), r"[A-Za-z0-9_-]{40,}"),
    Shape("circleci_token", ("CCIPAT_", "CCIPRJ_"), r"[A-Za-z0-9]{16,}_[0-9a-f]{40}"),
    Shape("fly_token", ("fo1_",), r"[A-Za-z0-9_-]{43}"),
    Shape("mongodb_atlas_secret", ("mdb_sa_sk_",), r"[A-Za-z0-9_-]{36,}"),
    Shape("vercel_token", ("vercel_blob_rw_",), r"[A-Za-z0-9]{12,}_[A-Za-z0-9]{24,}"),
    Shape(
        "paddle_key", ("pdl_live_apikey_", "pdl_sdbx_apikey_"), r"[a-z0-9]{26}_[A-Za-z0-9]{22}_[A-Za-z0-9]{3}"
    ),
    Shape("browserbase_key", ("bb_live_", "bb_test_"), r"[A-Za-z0-9_-]{24,}", has_random_run),
    Shape("wandb_key", ("wandb_v[0-9]_",), r"[A-Za-z0-9_-]{40,}", has_random_run),
    Shape("cartesia_key", ("sk_car_",), r"[A-Za-z0-9_-]{20,}", has_digit),
    Shape(
        "ory_token",
        ("ory_[a-z][a-z]_", "ory_pat_"),
        r"[A-Za-z0-9_-]{32,}(?:\.[A-Za-z0-9_-]{32,})?",
        has_digit,
    ),
    Shape("duffel_token", ("duffel_live_", "duffel_test_"), r"[A-Za-z0-9_=-]{43}"),
)
"""Those in whose tail anything may come early."""

_DOT: Final = (
    Shape("sendgrid_key", ("SG\\.",), r"[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}"),
    Shape("google_oauth_token", ("ya29\\.",), r"[A-Za-z0-9_.-]{29,}[A-Za-z0-9_-]"),
    Shape("vault_token", ("hv[sbr]\\.",), r"[A-Za-z0-9_-]{24,}"),
    Shape(
        "doppler_token",
        ("dp\\.[a-z][a-z]\\.", "dp\\.scim\\.", "dp\\.audit\\."),
        r"(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,}",
    ),
    Shape("dynatrace_token", ("dt0[a-z][0-9][0-9]\\.",), r"[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    Shape("airtable_token", ("pat" + "[A-Za-z0-9]" * 14 + "\\.",), r"[0-9a-f]{64}"),
    Shape("google_key", ("AQ\\.",), r"[A-Za-z0-9_-]{40,}", has_random_run),
    Shape("dropbox_token", ("sl\\.", "sl\\.[a-z]\\."), r"[A-Za-z0-9_-]{120,}", is_common=True),
    Shape("yandex_token", ("t1\\.",), r"[A-Za-z0-9_-]{10,}={0,2}\.[A-Za-z0-9_-]{80,}={0,2}"),
    Shape(
        "harness_token", ("[ps]at\\.",), r"[A-Za-z0-9_-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}", is_common=True
    ),
    Shape("infisical_token", ("st\\.",), r"[0-9a-f]{24}\.[0-9a-f]{32}(?:\.[0-9a-f]{32})?", is_common=True),
    Shape("linkedin_secret", ("WPL_AP[01]\\.",), r"[A-Za-z0-9]{14,}\.[A-Za-z0-9+/=]{6,}", has_digit),
    Shape("paseto", ("v[1-4]\\.local\\.", "v[1-4]\\.public\\."), r"[A-Za-z0-9_-]{40,}(?:\.[A-Za-z0-9_-]+)?"),
    Shape("snyk_token", ("snyk_[us]at\\.[0-9a-f]{8}\\.",), r"eyJ[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]+)*"),
    Shape("mailersend_token", ("mlsn\\.",), r"[0-9a-f]{64}"),
    Shape("mapbox_token", ("[sp]k\\.",), r"eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}"),
)

_DISCORD: Final = around(
    "discord_token",
    r"\.[A-Za-z0-9_-]{6}\.",
    range(24, 29),
    r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}(?![A-Za-z0-9_-])",
    has_random_run,
)
_TERRAFORM: Final = around(
    "terraform_token", r"\.atlasv1\.", [14], r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}"
)
_AZURE: Final = around(
    "azure_client_secret", "Q~", [4], r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{30,33}[A-Za-z0-9_~-]"
)
_OPENSHIFT: Final = after_head("openshift_token", "sha256~", r"[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
_TELEGRAM: Final = around("telegram_token", ":AA", [8, 9, 10], r"[0-9]{8,10}:AA[A-Za-z0-9_-]{32,}")
_TELEGRAM_IN_URL: Final = matching("telegram_token", r"/bot([0-9]{8,10}:AA[A-Za-z0-9_-]{32,})")
_MAILCHIMP: Final = around("mailchimp_key", "-us[0-9]", [32], r"[0-9a-f]{32}-us[0-9]{1,2}(?![A-Za-z0-9-])")
_MAXMIND: Final = around("maxmind_key", "_mmk", [36], r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk(?![A-Za-z0-9])")
_MAILGUN: Final = around(
    "mailgun_key",
    "-[0-9a-f]{8}-[0-9a-f]{8}",
    [32],
    "[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![A-Za-z0-9-])",
)
_BRAINTREE: Final = after_head(
    "braintree_token", r"access_token\$", r"(?:production|sandbox)\$[a-z0-9]{16}\$[0-9a-f]{32}"
)
_NEW_RELIC: Final = around(
    "new_relic_key",
    "NRAL",
    [36],
    "(?:[0-9a-f]{36}|[0-9a-f]{32}FFFF|[a-z]{2}[0-9]{2}x{1,2}[0-9a-f]{30,31})NRAL(?![A-Za-z0-9])",
)
_BITWARDEN: Final = after_head(
    "bitwarden_token", r"0\.", _UUID + r"\.[A-Za-z0-9]{20,}:[A-Za-z0-9+/]{20,}={0,2}"
)
_ASANA: Final = after_head(
    "asana_token", "[12]/", r"(?:[0-9]{15,20}/)?[0-9]{15,20}:[0-9a-f]{32}(?![A-Za-z0-9])"
)
_CLOUDFLARE: Final = after_head("cloudflare_ca_key", r"v1\.0-", r"[0-9a-f]{24}-[0-9a-f]{146}")
_TWILIO: Final = after_head("twilio_key", "SK", r"[0-9a-f]{32}(?![A-Za-z0-9])")
_BEDROCK: Final = after_head("bedrock_key", "ABSK", r"[A-Za-z0-9+/]{80,}={0,2}", has_digit)
_DATABRICKS: Final = after_head("databricks_token", "dapi", r"[0-9a-f]{32}(?:-[0-9])?(?![A-Za-z0-9])")
_GOOGLE_REFRESH: Final = after_head("google_oauth_token", "1//0", r"[A-Za-z0-9_-]{40,}")
_AZURE_KEYS: Final = tuple(
    around("azure_key", mark, [place], rf"{before}{{{place}}}{mark}{after}(?![A-Za-z0-9=])")
    for mark, place, before, after in (
        ("AzSe", 42, "[A-Za-z0-9]", "[A-D][A-Za-z0-9]{5}"),
        ("AzFu", 44, "[A-Za-z0-9_-]", "[A-Za-z0-9_-]{5}[AQgw]=="),
        ("AZDO", 76, "[A-Za-z0-9]", "[A-Za-z0-9]{4}"),
        ("ACDb", 76, "[A-Za-z0-9+/]", "[A-Za-z0-9+/]{5}[AQgw]=="),
        (r"\+ASt", 76, "[A-Za-z0-9+/]", "[A-Za-z0-9+/]{5}[AQgw]=="),
        (r"\+ABa", 76, "[A-Za-z0-9+/]", "[A-Za-z0-9+/]{5}[AQgw]=="),
        (r"\+ACR", 42, "[A-Za-z0-9+/]", "[A-D][A-Za-z0-9+/]{5}"),
    )
)
"""Keys of Azure that carry the mark of the service that made them, at a fixed place."""
_AZURE_MODEL_KEY: Final = around(
    "azure_key",
    "JQQJ99",
    [52],
    "[A-Za-z0-9]{52}JQQJ99[A-Z][A-L][A-Za-z0-9]{16}[A-Za-z][A-Za-z0-9]{7}(?:[A-Za-z0-9]{2}==)?(?![A-Za-z0-9=])",
)
_AWS_TAIL: Final = "(?:[A-Za-z0-9+/]|%2[BbFf]){60,}+(?:=|%3[Dd]){0,2}"
_AWS_SESSION: Final = after_head("aws_session_token", "IQoJb3JpZ2luX2Vj", _AWS_TAIL)
_AWS_SESSION_OF_OLD: Final = after_head("aws_session_token", "FwoGZXIvYXdz", _AWS_TAIL)
_FACEBOOK: Final = after_head(
    "facebook_token", "EAA", r"(?<![+/]EAA)[A-Za-z0-9]{90,}(?![+/])", has_random_run
)
_SQUARE: Final = after_head(
    "square_token", "EAAA", r"(?<![+/]EAAA)[A-Za-z0-9_-]{56,60}(?![A-Za-z0-9+/=_-])", has_random_run
)
_DOPPLER: Final = after_head("doppler_token", r"dp\.st\.", r"[a-z0-9_-]{2,35}\.[A-Za-z0-9]{40,}")

_CAPITAL_A: Final = (
    after_head("google_key", "AIza", r"[A-Za-z0-9_-]{35,}"),
    after_head(
        "aws_key_id",
        "A(?:KIA|SIA|BIA|CCA|3TX)",
        r"[A-Z2-7]{16}(?:A(?:KIA|SIA)[A-Z2-7]{16})*+(?![A-Za-z0-9])",
    ),
    after_head("atlassian_token", "AT(?:AT|CT)T3", r"[A-Za-z0-9_=-]{40,}"),
    after_head("trello_token", "ATTA", r"[0-9a-f]{64}"),
    after_head("bitbucket_password", "ATBB", r"[A-Za-z0-9]{28,}", has_digit),
    after_head("artifactory_key", "AKCp", r"[A-Za-z0-9]{60,}"),
    after_head("tencent_key_id", "AKID", r"[A-Za-z0-9]{30,}(?![A-Za-z0-9])", has_digit),
    after_head("alibaba_key_id", "LTAI", r"[A-Za-z0-9]{16,24}(?![A-Za-z0-9])", has_digit),
    after_head("yandex_key", "AQVN", r"[A-Za-z0-9_-]{35,38}(?![A-Za-z0-9_-])"),
    after_head("google_oauth_token", "4/0A", r"[A-Za-z0-9_-]{40,}"),
    _TELEGRAM,
    _TELEGRAM_IN_URL,
    _FACEBOOK,
    _SQUARE,
    _NEW_RELIC,
)
_AZURE_SIGN: Final = "|".join(
    mark + "[A-Za-z0-9+/]{4}"
    for mark in ("z(?:Se[A-D]|Fu)", "ZDO", "CDb", r"CR[A-D](?<=\+ACR[A-D])", r"St(?<=\+ASt)", r"Ba(?<=\+ABa)")
)

_LONG_TAIL: Final = "[A-Za-z0-9_-]{10}"
_RARE_BEFORE_A_DOT: Final = r"(?<=[1t]\.)(?:(?<=\.atlasv1\.)|(?<=dp\.st\.))[A-Za-z0-9]"

FAMILIES: Final = (
    family(
        "-",
        _DASH,
        _LONG_TAIL,
        [
            ("BEGIN (?<=-----BEGIN )", pem.RULE),
            (r"us(?<=[0-9a-f]{8}-us)[0-9]", _MAILCHIMP),
            ("[0-9a-f](?<=[0-9a-f]{32}-[0-9a-f])[0-9a-f]{7}-", _MAILGUN),
            (r"[0-9a-f](?<=v1\.0-[0-9a-f])[0-9a-f]{8}", _CLOUDFLARE),
            ("Lines: (?<=Private-Lines: )", pem.PUTTY),
        ],
    ),
    family(
        "_",
        _UNDERSCORE_LOOSE,
        "[A-Za-z0-9_+/-]{12}",
        [
            ("mmk(?<=[A-Za-z0-9]_mmk)", _MAXMIND),
            (r"token\$(?<=access_token\$)[ps]", _BRAINTREE),
        ],
        stricter=(_UNDERSCORE, "[A-Za-z0-9]{12}"),
        longer="[A-Za-z0-9_+/-]{12}[A-Za-z0-9_+/.=-]{6}",
    ),
    family(
        ".",
        _DOT,
        "[A-Za-z0-9_-]{16}",
        [
            (_RARE_BEFORE_A_DOT, _TERRAFORM),
            (_RARE_BEFORE_A_DOT, _DOPPLER),
        ],
        as_long=[
            (r"[0-9a-f][0-9a-f]{7}-(?<=0\.[0-9a-f]{8}-)[0-9a-f]{4}-", _BITWARDEN),
            (r"(?<=\.[A-Za-z0-9_-]{6}\.)[A-Za-z0-9_-]{27}", _DISCORD),
        ],
    ),
    Family(
        "A",
        re.compile(
            r"A(?:Iza|[KSB]IA|CCA|3TX|T[AC]TT3|TTA|TBB|KCp|KID|QVN|I(?<=LTAI)|L(?<=NRAL)"
            r"|A(?:(?<=:AA)|(?<=EAA)[A-Za-z0-9_-]{56})|(?<=4/0A))"
        ).search,
        _CAPITAL_A,
    ),
    Family("A", re.compile(f"A(?:{_AZURE_SIGN})").search, _AZURE_KEYS),
    Family(
        "J",
        re.compile(r"J(?:(?<=eyJ)|(?<=JQQJ)99|(?<=IQoJ)b3JpZ2lu|(?<=LS0tLS1CRUdJ)TiB)").search,
        (
            after_head(
                "json_web_token",
                "eyJ",
                r"(?<![A-Za-z0-9_-]{24}eyJ)[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*+",
            ),
            after_head(
                "signed_token",
                "eyJ",
                r"(?<![A-Za-z0-9_-]{24}eyJ)[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*+\.[A-Za-z0-9_-]{16,}+(?:\.[A-Za-z0-9_-]+){0,2}",
            ),
            _AZURE_MODEL_KEY,
            _AWS_SESSION,
            pem.IN_BASE64,
        ),
    ),
    Family("~", re.compile(r"~(?:(?<=[0-9]Q~)|(?<=sha256~))").search, (_AZURE, _OPENSHIFT)),
    Family(
        "K",
        re.compile(r"K(?:(?<=SK)[0-9a-f]{8}|(?<=ABSK)[A-Za-z0-9+/])").search,
        (_TWILIO, _BEDROCK),
        rooted=True,
    ),
    Family(
        "Z",
        re.compile(r"Z(?:(?<=EZ)[AT]K|(?<=FwoGZ)XIv)").search,
        (after_head("easypost_key", "EZ[AT]K", r"[A-Za-z0-9]{54}"), _AWS_SESSION_OF_OLD),
    ),
    Family("p", re.compile(r"p(?:i(?<=dapi)[0-9a-f]{8})").search, (_DATABRICKS,), rooted=True),
    Family("/", re.compile("/(?:0(?<=1//0)|[0-9]{15}(?<=[12]/[0-9]{15}))").search, (_GOOGLE_REFRESH, _ASANA)),
)
"""Every shape, grouped by a sign that one scan for one character finds."""
