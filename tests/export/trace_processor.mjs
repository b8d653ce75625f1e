// Runs Perfetto's trace_processor, compiled to WebAssembly, as a filter: messages of its RPC protocol in, answers out.
//   node trace_processor.mjs trace_processor.wasm < requests > responses
import fs from "node:fs";

const module = new WebAssembly.Module(fs.readFileSync(process.argv[2]));
let memory;
const view = () => new DataView(memory.buffer);
const bytes = (at, length) => new Uint8Array(memory.buffer, Number(at), Number(length));

function write(descriptor, vectors, count, written) {
  let total = 0;
  for (let n = 0; n < count; n++) {
    const at = view().getUint32(vectors + 8 * n, true);
    const length = view().getUint32(vectors + 8 * n + 4, true);
    fs.writeSync(2, bytes(at, length)); // what it says is talk; answers go another way
    total += length;
  }
  view().setUint32(written, total, true);
  return 0;
}

function grow(size) {
  const pages = Math.ceil((Number(size) - memory.buffer.byteLength) / 65536);
  try {
    memory.grow(pages);
    return 1;
  } catch {
    return 0;
  }
}

const known = {
  fd_write: write,
  environ_sizes_get: (count, size) => (view().setUint32(count, 0, true), view().setUint32(size, 0, true), 0),
  environ_get: () => 0,
  clock_time_get: (id, precision, at) => (view().setBigUint64(at, process.hrtime.bigint(), true), 0),
  emscripten_get_now: () => performance.now(),
  emscripten_date_now: () => Date.now(),
  emscripten_get_heap_max: () => 4294901760,
  emscripten_resize_heap: grow,
  _tzset_js: () => {},
  _abort_js: () => { throw new Error("trace_processor gave up"); },
  __assert_fail: () => { throw new Error("trace_processor gave up"); },
};
const REFUSED = -52; // there is no file system
const imports = {};
for (const { module: room, name } of WebAssembly.Module.imports(module))
  (imports[room] ??= {})[name] = known[name] ?? (() => REFUSED);

const instance = new WebAssembly.Instance(module, imports);
const tool = instance.exports;
memory = tool.memory;

// A function of ours in its table needs the type that it is called with: a module of one import, handed on.
const handed = new WebAssembly.Module(new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 2, 0x7f, 0x7f, 0, 2, 7, 1, 1, 0x65, 1, 0x66, 0, 0, 7, 5, 1, 1, 0x66, 0, 0,
]));
const answered = new WebAssembly.Instance(handed, {
  e: { f: (at, length) => fs.writeSync(1, Buffer.from(bytes(at, length))) },
}).exports.f;
const place = tool.__indirect_function_table.grow(1);
tool.__indirect_function_table.set(place, answered);

const SIZE = 1 << 20;
tool.__wasm_call_ctors();
const buffer = tool.trace_processor_rpc_init(place, SIZE);
const requests = fs.readFileSync(0);
for (let at = 0; at < requests.length; at += SIZE) {
  const piece = requests.subarray(at, at + SIZE);
  bytes(buffer, piece.length).set(piece);
  tool.trace_processor_on_rpc_request(piece.length);
}
