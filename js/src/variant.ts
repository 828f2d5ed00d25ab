/** The builds of the core: which mechanism suspends the pump's stack. Partner: engine/module.ts. */
export type Variant = 'asyncify' | 'jspi';
