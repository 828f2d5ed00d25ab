// 100,000 throws that are caught at once: JavaScript's nearest thing to an escape.
function firstAbove(limit) {
  try {
    for (let i = 0; ; i++) {
      if (i > limit) throw i;
    }
  } catch (i) {
    return i;
  }
}
let sum = 0;
for (let i = 0; i < 100000; i++) sum += firstAbove(2);
sum;
