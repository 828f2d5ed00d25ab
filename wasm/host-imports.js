// The imports that the package supplies (js/src), as the linker has to know them.
//
// The package replaces them in `env` from its instantiateWasm hook, before the instance is made; a stub that runs means
// that it did not. host_wait is the only one that suspends the pump.

addToLibrary({
  host_wait: () => abort('host_wait was not supplied'),
  host_now: () => abort('host_now was not supplied'),
});
