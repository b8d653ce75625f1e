"""The file of prices is what its script writes, so that nobody edits it by hand."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

from flightlog.pricing.snapshot import FILE, bundled


def script():
    path = Path(__file__).parents[2] / "scripts" / "prices.py"
    spec = importlib.util.spec_from_file_location("flightlog_scripts_prices", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_file_in_the_repository_is_what_the_script_writes_from_the_installed_package():
    written = "".join(script().document(bundled().taken.isoformat()))
    assert written == FILE.read_text(encoding="utf-8")


def test_a_model_that_says_it_is_free_costs_0_and_one_without_a_price_has_none():
    document = json.loads("".join(script().document("2026-11-21")))
    models = {
        (provider["id"], model["id"]): model
        for provider in document["providers"]
        for model in provider["models"]
    }
    free = [model for (_, name), model in models.items() if name.endswith(":free")]
    assert free
    assert all(price["rates"] for model in free for price in model["prices"])
    assert models["github-copilot", "gpt-4o"]["prices"] == [{"rates": {}}]
