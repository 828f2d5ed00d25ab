(() => {
  let i = 0;
  let sum = 0;
  while (i !== 10000000) {
    sum += i;
    i++;
  }
  return sum;
})();
