/** The module's bytes, where a bundler embeds them (the single-file build). */
declare const bytes: Uint8Array<ArrayBuffer>;
export default bytes;
