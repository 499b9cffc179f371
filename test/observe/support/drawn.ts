// What a person would see of a chart: the lines whose colour is on the canvas.
import type { Page } from 'playwright-core';

export interface Drawn {
  id: string;
  /** Names in the legend. */
  series: string[];
  /** Those whose line can be seen; one that lies under another cannot. */
  visible: string[];
  /** What stands there instead of a chart. */
  state: string;
}

/** Fewer are the rest of a line that another covers. */
const fewestPixels = 8;

/** Every panel of lines on the page, as it is drawn now. */
export function drawnLines(page: Page): Promise<Drawn[]> {
  return page.evaluate((fewest) => {
    // A copy, since reading back slows the chart's own canvas, of which the browser warns.
    const pixelsOf = (canvas: HTMLCanvasElement) => {
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
      copy?.drawImage(canvas, 0, 0);
      return copy?.getImageData(0, 0, canvas.width, canvas.height).data ?? new Uint8ClampedArray();
    };
    const seen = (data: Uint8ClampedArray, colour: string): number => {
      const wanted = (/rgb\((\d+), (\d+), (\d+)\)/.exec(colour) ?? []).slice(1).map(Number);
      const near = (value: number, at: number) => Math.abs(value - (data[at] ?? 0)) < 12;
      let pixels = 0;
      for (let at = 0; at < data.length; at += 4) {
        // Edges of a line are smoothed: a part of its colour, by the alpha, is still its colour.
        if ((data[at + 3] ?? 0) > 100 && wanted.every((value, part) => near(value, at + part))) pixels += 1;
      }
      return pixels;
    };
    return [...document.querySelectorAll<HTMLElement>('.panel.lines')].map((panel) => {
      const canvas = panel.querySelector('canvas');
      const pixels = canvas ? pixelsOf(canvas) : new Uint8ClampedArray();
      const rows = [...panel.querySelectorAll('.u-legend .u-series')].slice(1);
      const name = (row: Element) => row.querySelector('.u-label')?.textContent ?? '';
      const state = panel.querySelector<HTMLElement>('.state');
      const visible = rows.filter((row) => {
        const marker = row.querySelector('.u-marker');
        return marker && seen(pixels, getComputedStyle(marker).borderTopColor) >= fewest;
      });
      return {
        id: panel.id,
        series: rows.map(name),
        visible: visible.map(name),
        state: state && !state.hidden ? (state.textContent ?? '') : '',
      };
    });
  }, fewestPixels);
}
