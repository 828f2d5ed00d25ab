# The flags of the WebAssembly builds, one a line with its reason. Figures: emcc 3.1.69, a pump with embind and
# nlohmann_json but without a kernel, bytes of .wasm raw / brotli.
#
# One set of flags makes both variants. `asyncify` adds the instrumentation of the pump alone (+0.8 KB); `jspi` is the plain
# build, because the engine suspends the stack and JavaScript wraps the import and the export itself.

# For every target, the core's too.
function(heddle_wasm_compile_flags target)
  target_compile_options(${target} PRIVATE
    # Link-time optimization sees through the kernel's, the pump's and libc++'s boundaries: 100.1 / 33.6 -> 92.0 / 31.3 KB.
    -flto
    # memory.copy and memory.fill instead of loops and a call into JavaScript. Every engine since 2021.
    -mbulk-memory
    # Float to integer in one instruction instead of a range check and a branch. Every engine since 2021.
    -mnontrapping-fptoint
  )
endfunction()

function(heddle_wasm_link_flags target variant)
  target_link_options(${target} PRIVATE
    -flto
    # The linker picks the variants of libc++ and embind by these: embind's has to know types the way that our sources do.
    -fno-exceptions
    -fno-rtti
    # The pump is a loop that JavaScript starts, there is no main().
    --no-entry

    # --- What the JavaScript beside the module is allowed to be

    # An ES module whose default export makes an instance: one instance per Runtime.
    -sMODULARIZE
    -sEXPORT_ES6
    # No legacy default: nothing is included, exported or tolerated unless it is asked for.
    -sSTRICT
    # One shape for Node, browsers, workers and bundlers: "web" is the one without imports of Node's modules. The package
    # always supplies the instance through instantiateWasm, so the code for other hosts (files, XHR) would be dead.
    -sENVIRONMENT=web
    # Without import.meta.url a bundler finds no second reference to the .wasm file to resolve or to emit.
    -sUSE_ES6_IMPORT_META=0
    # instantiateWasm: the package brings the compiled module and the host's imports. onAbort: an abort becomes a typed error.
    # printErr: what the module says before it aborts.
    -sINCOMING_MODULE_JS_API=instantiateWasm,onAbort,printErr
    # No eval and no new Function: a Content-Security-Policy needs 'wasm-unsafe-eval' and nothing more.
    -sDYNAMIC_EXECUTION=0
    # Nothing here touches a file.
    -sFILESYSTEM=0
    # Every engine we support has TextDecoder.
    -sTEXTDECODER=2
    # ... and the language features that Emscripten would fill in.
    -sPOLYFILL=0
    # The control plane: free functions with integers and UTF-8 JSON.
    -lembind
    # Stubs of the imports that the package supplies; an import without a stub is a link error that names it.
    --js-library ${PROJECT_SOURCE_DIR}/wasm/host-imports.js
    # This library switches off the renaming of imports and exports, which otherwise comes with -O3: JavaScript uses the raw
    # exports (pump, memory, hd_...) and supplies imports (env.host_wait) by name. Functions marked
    # __attribute__((export_name("..."))) are kept under that name.
    -lexports.js

    # --- Memory

    # Grow as needed, up to what 32 bits can address.
    -sALLOW_MEMORY_GROWTH
    -sMAXIMUM_MEMORY=4GB
    # A Runtime starts small, since there is one memory per Runtime and a snapshot copies all of it.
    -sINITIAL_MEMORY=4MB
    # One C++ stack per instance. Programs recurse on the heap (the Lisp machine); the reader, the expander and JSON recurse here.
    -sSTACK_SIZE=1MB
    # The stack lies below the data, so that its overflow traps instead of overwriting globals.
    -Wl,--stack-first
    # dlmalloc is 5 KB larger than emmalloc and frees and allocates in random order in 20 ns instead of 31.
    -sMALLOC=dlmalloc

    # --- The module

    # 64-bit integers cross as BigInt: no pairs of halves, no wrappers that make them.
    -sWASM_BIGINT
    # wasm/c_library.cpp instead of the C library's: 15 KB less.
    -Wl,--wrap=strtod
    -Wl,--wrap=snprintf
    # No setjmp.
    -sSUPPORT_LONGJMP=0
  )
  if(variant STREQUAL "asyncify")
    target_link_options(${target} PRIVATE
      # The pump's stack is unwound into memory at host_wait and rewound when the host has events. JavaScript drives the raw
      # asyncify_start_unwind, asyncify_stop_unwind, asyncify_start_rewind and asyncify_stop_rewind itself.
      -sASYNCIFY=1
      # Only the pump is instrumented: what it calls never suspends, and so keeps its speed and size.
      "-sASYNCIFY_ONLY=[\"pump\"]"
      # The one import that suspends.
      "-sASYNCIFY_IMPORTS=[\"host_wait\"]"
    )
  endif()
endfunction()
