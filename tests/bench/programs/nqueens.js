// Solutions of the eight queens: a queen's row for each column, as a linked list.
function isSafe(row, distance, placed) {
  for (; placed !== null; placed = placed.cdr, distance++) {
    const other = placed.car;
    if (other === row + distance || other === row - distance || other === row) return false;
  }
  return true;
}

function solutions(columns, placed, size) {
  if (columns === 0) return 1;
  let sum = 0;
  for (let row = 1; row <= size; row++) {
    if (isSafe(row, 1, placed)) sum += solutions(columns - 1, { car: row, cdr: placed }, size);
  }
  return sum;
}

solutions(8, null, 8);
