type Place = { mark: number; x: number; y: number; size: number; colour: string; paper: string };

/** Draws the shape of a version on a canvas; `size` is from its middle to its edge. */
export function drawMark(canvas: CanvasRenderingContext2D, { mark, x, y, size, colour, paper }: Place): void {
  canvas.save();
  canvas.setLineDash([]);
  canvas.beginPath();
  if (mark === 0) canvas.arc(x, y, size, 0, 2 * Math.PI);
  if (mark === 1) canvas.rect(x - size, y - size, 2 * size, 2 * size);
  if (mark === 2)
    outline(canvas, [
      [x, y - size * 1.2],
      [x + size * 1.2, y + size],
      [x - size * 1.2, y + size],
    ]);
  if (mark === 3)
    outline(canvas, [
      [x, y - size * 1.3],
      [x + size * 1.3, y],
      [x, y + size * 1.3],
      [x - size * 1.3, y],
    ]);
  canvas.fillStyle = mark === 0 ? paper : colour;
  canvas.fill();
  canvas.lineWidth = size / 2;
  canvas.strokeStyle = mark === 0 ? colour : paper;
  canvas.stroke();
  canvas.restore();
}

function outline(canvas: CanvasRenderingContext2D, points: readonly (readonly [number, number])[]): void {
  for (const [x, y] of points) canvas.lineTo(x, y);
  canvas.closePath();
}
