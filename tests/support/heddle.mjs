// The build under test. The runner sets HEDDLE_VARIANT to asyncify, jspi or single-file; by hand, the engine decides.
// Every test imports the package through here, so that one suite covers every build.

const variant = process.env.HEDDLE_VARIANT ?? 'auto';
const heddle = await import(variant === 'single-file' ? 'heddle/single-file' : 'heddle');

export default heddle;

/** createRuntime() of the build under test; closes by itself when the test `t` ends. */
export async function open(t, config = {}) {
  const rt = await heddle.createRuntime({ ...(variant === 'single-file' ? {} : { variant }), ...config });
  t.after(() => rt.close());
  return rt;
}

export { variant };
