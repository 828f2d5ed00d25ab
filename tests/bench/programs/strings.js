(() => {
  let text = '';
  let total = 0;
  for (let i = 0; i < 100000; i++) {
    if (text.length === 1000) {
      total += 1000;
      text = '';
    }
    text += 'x';
  }
  return total + text.length;
})();
