// A merge sort of a list of 100,000 numbers, written out.
function numbers(count) {
  let seed = 42n;
  let list = null;
  for (let i = 0; i < count; i++) {
    // The product has more than 53 bits.
    seed = (seed * 1103515245n + 12345n) & 0x7fffffffn;
    list = { car: Number(seed), cdr: list };
  }
  return list;
}

function merge(a, b) {
  const head = { car: false, cdr: null };
  let last = head;
  while (a !== null && b !== null) {
    if (b.car < a.car) {
      last.cdr = b;
      last = b;
      b = b.cdr;
    } else {
      last.cdr = a;
      last = a;
      a = a.cdr;
    }
  }
  last.cdr = a ?? b;
  return head.cdr;
}

function split(list, count) {
  for (; count > 1; count--) list = list.cdr;
  const rest = list.cdr;
  list.cdr = null;
  return rest;
}

function sort(list, count) {
  if (count === 1) return list;
  const half = Math.floor(count / 2);
  const rest = split(list, half);
  return merge(sort(list, half), sort(rest, count - half));
}

(() => {
  const sorted = sort(numbers(100000), 100000);
  let ordered = 1;
  let last = sorted.car;
  for (let rest = sorted.cdr; rest !== null; rest = rest.cdr) {
    if (rest.car < last) return false;
    last = rest.car;
    ordered++;
  }
  return ordered;
})();
