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
    "$work/npm/node_modules/.bin/llmock" -p 4110 -f "$here/${answers:-answers.json}" --log-level silent &
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

record_program() { # case, whether with spans, program: it tells a collector of ours
    case=$1 spans=$2 program=$3
    [ -n "$chosen" ] && case " $chosen " in *" $case "*) ;; *) return ;; esac
    rm -f "$work/out/$case.jsonl"
    [ -d "$work/npm/node_modules/$program" ] || (cd "$work/npm" && npm install --no-audit --no-fund "$program")
    home="$work/home/$case"
    rm -rf "$home"
    mkdir -p "$home/.gemini" "$home/work"
    touch "$home/work/a" "$home/work/b" "$home/work/c"
    # A member called `auth` is taken for a secret by whoever looks for those in this tree.
    sed 's/"sign_in"/"auth"/' "$here/gemini_cli.json" > "$home/.gemini/settings.json"
    "$work/npm/node_modules/.bin/llmock" -p 4110 -f "$here/answers_cli.json" --log-level silent &
    mock=$!
    "$python" "$here/provider.py" http://127.0.0.1:4110 4111 >"$work/provider.log" 2>&1 &
    provider=$!
    "$python" "$here/collector.py" 4118 "$work/out/$case.jsonl" >"$work/collector.log" 2>&1 &
    collector=$!
    sleep 2
    for prompt in "say hello" "count the files" "list the files" "remember this" "refuse the first try" "break it"; do
        case "$program $prompt" in *claude*list* | *gemini*count*) continue ;; esac
        (cd "$home/work" && program_env "$home" "$spans" "$program" "$prompt") >>"$work/out/$case.log" 2>&1 </dev/null || true
    done
    sleep 1
    "$python" -c "import urllib.request as u; print(u.urlopen('http://127.0.0.1:4111/').read().decode())" >"$work/out/$case.served.json"
    kill $mock $provider $collector
    wait $mock $provider $collector 2>/dev/null || true
    echo "$case: $(wc -l <"$work/out/$case.jsonl" 2>/dev/null || echo 0) messages"
}

program_env() { # home, whether with spans, program, prompt: nothing of this machine's environment reaches it
    home=$1 spans=$2 program=$3 prompt=$4
    case $program in
    *claude*)
        env -i PATH="$PATH" HOME="$home" IS_SANDBOX=1 DISABLE_AUTOUPDATER=1 CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 \
            ANTHROPIC_BASE_URL=http://127.0.0.1:4111 ANTHROPIC_API_KEY=none CLAUDE_CODE_ENABLE_TELEMETRY=1 \
            CLAUDE_CODE_ENHANCED_TELEMETRY_BETA="$spans" OTEL_TRACES_EXPORTER="$([ "$spans" = 1 ] && echo otlp || echo none)" \
            OTEL_LOGS_EXPORTER=otlp OTEL_METRICS_EXPORTER=none OTEL_EXPORTER_OTLP_PROTOCOL=http/json \
            OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4118 OTEL_LOG_USER_PROMPTS=1 OTEL_LOG_TOOL_DETAILS=1 \
            timeout 150 "$(ls "$work"/npm/node_modules/@anthropic-ai/claude-code-*/claude | head -1)" -p "$prompt" --model claude-sonnet-4-5 --allowedTools Bash
        ;;
    *)
        env -i PATH="$PATH" HOME="$home" NO_COLOR=1 GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:4111 GEMINI_API_KEY=none \
            timeout 150 "$work/npm/node_modules/.bin/gemini" -p "$prompt" -m gemini-2.5-flash -y --skip-trust
        ;;
    esac
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
venv ang anthropic opentelemetry-instrumentation-genai-anthropic
venv log logfire openai anthropic
venv pai6 "pydantic-ai-slim[openai]" openinference-instrumentation-pydantic-ai
venv mis mistralai openinference-instrumentation-mistralai
venv lli llama-index-core llama-index-llms-openai openinference-instrumentation-llama-index
venv llt llama-index-core llama-index-llms-openai opentelemetry-instrumentation-llamaindex
venv mcp mcp
venv mcpoi mcp openinference-instrumentation-mcp
venv lcg langchain langchain-openai opentelemetry-instrumentation-genai-langchain
venv oagg openai-agents opentelemetry-instrumentation-genai-openai-agents opentelemetry-instrumentation-genai-openai \
    opentelemetry-instrumentation-openai-agents
venv dspy dspy openinference-instrumentation-dspy
venv hay haystack-ai openinference-instrumentation-haystack openinference-instrumentation-openai
venv ag autogen-agentchat "autogen-ext[openai]" openinference-instrumentation-autogen-agentchat
venv crew crewai openinference-instrumentation-crewai opentelemetry-instrumentation-crewai
venv ca claude-agent-sdk openinference-instrumentation-claude-agent-sdk

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
record pydanticai_v3 pai pydanticai native_v3
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
record anthropic_genai ang anthropic $ot.genai.anthropic:AnthropicInstrumentor
record logfire log logfire native
record pydanticai_v6 pai6 pydanticai native_v6
record pydanticai_openinference pai6 pydanticai pydantic_ai
record mistral_openinference mis mistral $oi.mistralai:MistralAIInstrumentor
record llamaindex_openinference lli llamaindex $oi.llama_index:LlamaIndexInstrumentor
record llamaindex_openllmetry llt llamaindex $ot.llamaindex:LlamaIndexInstrumentor derived
record mcp_native mcp mcp native
record mcp_openinference mcpoi mcp $oi.mcp:MCPInstrumentor streams
record langchain_genai lcg langchain $ot.genai.langchain:LangChainInstrumentor
record agents_genai oagg agents $ot.genai.openai_agents:OpenAIAgentsInstrumentor+$ot.genai.openai:OpenAIInstrumentor
record agents_openllmetry oagg agents $ot.openai_agents:OpenAIAgentsInstrumentor
record dspy_openinference dspy dspy $oi.dspy:DSPyInstrumentor
record haystack_openinference hay haystack $oi.haystack:HaystackInstrumentor
record haystack_and_openai_openinference hay haystack $oi.haystack:HaystackInstrumentor+$oi.openai:OpenAIInstrumentor
record autogen_openinference ag autogen $oi.autogen_agentchat:AutogenAgentChatInstrumentor
record crewai_openinference crew crewai $oi.crewai:CrewAIInstrumentor
record crewai_openllmetry crew crewai $ot.crewai:CrewAIInstrumentor
record vercel npm vercel
answers=answers_cli.json # the program that this one starts adds words of its own
record claude_agent_sdk_openinference ca claude_agents $oi.claude_agent_sdk:ClaudeAgentSDKInstrumentor
answers=
record_program claude_code_logs 0 @anthropic-ai/claude-code
record_program claude_code 1 @anthropic-ai/claude-code
record_program gemini_cli 1 @google/gemini-cli
[ -n "$chosen" ] || "$python" "$here/trim.py" "$work/out" "$here/../data"
