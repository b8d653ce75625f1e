#!/bin/sh
# Makes the recordings of tests/dialects/data anew: real libraries under real instrumentations against a provider that
# notes what it served. Needs Python, Node and a package index; takes about a quarter of an hour the first time.
#   sh tests/dialects/recording/record.sh WORK [CASE...]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$1
shift
python=${PYTHON:-python3}
mkdir -p "$work/venv" "$work/npm" "$work/out"

venv() { # name, packages
    name=$1
    shift
    [ -e "$work/venv/$name/.ok" ] && return
    "$python" -m venv "$work/venv/$name"
    "$work/venv/$name/bin/pip" -q install --disable-pip-version-check opentelemetry-sdk "$@"
    touch "$work/venv/$name/.ok"
}

node_packages() {
    [ -d "$work/npm/node_modules/@copilotkit/aimock" ] && [ -d "$work/npm/node_modules/ai" ] && return
    (cd "$work/npm" && npm init -y >/dev/null && npm install --no-audit --no-fund @copilotkit/aimock ai @ai-sdk/openai \
        @opentelemetry/api @opentelemetry/sdk-trace-node zod)
}

record() { # case, venv or npm, arguments of the driver
    case=$1 place=$2
    shift 2
    [ -n "$chosen" ] && case " $chosen " in *" $case "*) ;; *) return ;; esac
    rm -f "$work/out/$case.jsonl"
    "$work/npm/node_modules/.bin/llmock" -p 4110 -f "$here/answers.json" --log-level silent &
    mock=$!
    "$python" "$here/provider.py" http://127.0.0.1:4110 4111 >"$work/provider.log" 2>&1 &
    provider=$!
    sleep 2
    export RECORD_TO="$work/out/$case.jsonl" RECORD_NAME="$case" PROVIDER=http://127.0.0.1:4111
    if [ "$place" = npm ]; then
        cp "$here/drive.mjs" "$work/npm/drive.mjs"
        (cd "$work/npm" && node drive.mjs "$@") >"$work/out/$case.log" 2>&1 || echo "$case: failed, see $work/out/$case.log"
    else
        "$work/venv/$place/bin/python" "$here/drive.py" "$@" >"$work/out/$case.log" 2>&1 ||
            echo "$case: failed, see $work/out/$case.log"
    fi
    "$python" -c "import urllib.request as u; print(u.urlopen('http://127.0.0.1:4111/').read().decode())" >"$work/out/$case.served.json"
    kill $mock $provider
    wait $mock $provider 2>/dev/null || true
    echo "$case: $(wc -l <"$work/out/$case.jsonl" 2>/dev/null || echo 0) messages"
}

chosen="$*"
node_packages
venv oa openai openinference-instrumentation-openai opentelemetry-instrumentation-openai opentelemetry-instrumentation-genai-openai
venv an anthropic openinference-instrumentation-anthropic opentelemetry-instrumentation-anthropic
venv lc langchain langchain-openai langgraph "langsmith[otel]" openinference-instrumentation-langchain openinference-instrumentation-openai
venv pai "pydantic-ai-slim[openai]"
venv gg google-genai openinference-instrumentation-google-genai
venv smol "smolagents[openai]" openinference-instrumentation-smolagents openinference-instrumentation-openai
venv legacy openai==1.109.1 anthropic==0.49.0 "httpx<0.28" opentelemetry-instrumentation-openai==0.40.14 \
    opentelemetry-instrumentation-anthropic==0.40.14 opentelemetry-sdk==1.36.0
venv lite litellm openinference-instrumentation-litellm openinference-instrumentation-openai
venv lct langchain langchain-openai opentelemetry-instrumentation-langchain
venv v2 openai==1.109.1 "httpx<0.28" opentelemetry-instrumentation-openai-v2==2.1b0 opentelemetry-sdk==1.36.0
venv lf langfuse openai
venv mlf mlflow-skinny openai
venv adk google-adk
venv oag openai-agents openinference-instrumentation-openai-agents

oi=openinference.instrumentation
ot=opentelemetry.instrumentation
record openai_openinference oa openai $oi.openai:OpenAIInstrumentor
record openai_openllmetry oa openai $ot.openai:OpenAIInstrumentor
record openai_genai oa openai $ot.genai.openai:OpenAIInstrumentor
record openai_twice oa openai $oi.openai:OpenAIInstrumentor+$ot.genai.openai:OpenAIInstrumentor
record openai_openllmetry_legacy legacy openai $ot.openai:OpenAIInstrumentor
record anthropic_native an anthropic native
record anthropic_openinference an anthropic $oi.anthropic:AnthropicInstrumentor
record anthropic_openllmetry an anthropic $ot.anthropic:AnthropicInstrumentor
record anthropic_openllmetry_legacy legacy anthropic $ot.anthropic:AnthropicInstrumentor
record langchain_openinference lc langchain $oi.langchain:LangChainInstrumentor
record langchain_and_openai_openinference lc langchain $oi.langchain:LangChainInstrumentor+$oi.openai:OpenAIInstrumentor
record pydanticai_v2 pai pydanticai native_v2
record pydanticai_v5 pai pydanticai native_v5
record litellm_openinference lite litellm $oi.litellm:LiteLLMInstrumentor
record litellm_native lite litellm native
record google_openinference gg google $oi.google_genai:GoogleGenAIInstrumentor
record smolagents_openinference smol smolagents $oi.smolagents:SmolagentsInstrumentor
record smolagents_and_openai_openinference smol smolagents $oi.smolagents:SmolagentsInstrumentor+$oi.openai:OpenAIInstrumentor
record agents_openinference oag agents $oi.openai_agents:OpenAIAgentsInstrumentor
record openai_v2_legacy v2 openai $ot.openai_v2:OpenAIInstrumentor
record langchain_openllmetry lct langchain $ot.langchain:LangchainInstrumentor
record langchain_langsmith lc langsmith native
record langfuse lf langfuse native
record mlflow mlf mlflow native
record adk adk adk native
record google_openinference_calls gg google $oi.google_genai:GoogleGenAIInstrumentor calls
record vercel npm vercel
[ -n "$chosen" ] || "$python" "$here/trim.py" "$work/out" "$here/../data"
