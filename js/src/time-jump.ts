/** What `rt.on('timeJump', ...)` tells. Partner: `engine/engine.ts`, which notices. */

/** Time went on without the program. */
export interface TimeJump {
  /** `sleep`: the wall clock went on while the program did not (a laptop asleep, a process stopped, a clock set forward); the
   * runtime's clock follows it, so limits of time that have passed meanwhile are due. `late`: a timer came late, because a page in
   * the background is throttled or the event loop was blocked. */
  kind: 'sleep' | 'late';
  /** How long, in milliseconds. */
  ms: number;
}
