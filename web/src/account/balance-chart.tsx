import { useEffect, useRef } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { type Currency, formatMoney } from "@finance-service/client";
import type { Span } from "../data/history-span.ts";
import { dateTimeOf } from "../labels.ts";
import { type ChartPoint, toMajor } from "./chart-points.ts";

interface BalanceChartProps {
  readonly points: readonly ChartPoint[];
  readonly money: Currency;
  /** Called with the span that a drag or a key selected. */
  onZoom(span: Span): void;
  /** Called on a double click. */
  onReset(): void;
}

const HEIGHT_PX = 240;
/** The shortest span: balances are per hour. */
const SPAN_MS_MIN = 4 * 3_600_000;

/** A balance as a stepped line. Keys: + and − zoom, the arrows move. */
export function BalanceChart({ points, money, onZoom, onReset }: BalanceChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot>(undefined);
  const latest = useRef({ points, money, onZoom, onReset });
  latest.current = { points, money, onZoom, onReset };

  useEffect(() => {
    const { current } = frame;
    if (current === null) return undefined;
    chart.current = draw(current, latest);
    const redraw = () => {
      chart.current?.destroy();
      chart.current = draw(current, latest);
    };
    const sizes = new ResizeObserver(([entry]) => {
      if (entry) chart.current?.setSize({ width: entry.contentRect.width, height: HEIGHT_PX });
    });
    sizes.observe(current);
    // A canvas keeps the colours it was drawn with.
    const themes = new MutationObserver(redraw);
    themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", redraw);
    return () => {
      system.removeEventListener("change", redraw);
      themes.disconnect();
      sizes.disconnect();
      chart.current?.destroy();
    };
  }, []);
  // Keep a drag in progress, and the tip.
  useEffect(() => chart.current?.setData(dataOf({ points, money })), [points, money]);

  return (
    // biome-ignore lint/a11y/useSemanticElements: a chart that has keys of its own is not an image
    <div
      ref={frame}
      className="chart"
      role="group"
      aria-label="Chart of the balance: plus and minus zoom, the arrow keys move. The table below shows the same values"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it handles the keys that its label names
      tabIndex={0}
      onKeyDown={(event) => {
        const span = spanAfterKey(event.key, points);
        if (span === undefined) return;
        event.preventDefault();
        onZoom(span);
      }}
    />
  );
}

/** The span that a key selects; undefined for other keys. */
function spanAfterKey(key: string, points: readonly ChartPoint[]): Span | undefined {
  const start = points.at(0)?.time.getTime();
  const end = points.at(-1)?.time.getTime();
  if (start === undefined || end === undefined) return undefined;
  const quarter = (end - start) / 4;
  const limited = (from: number, to: number): Span => {
    const until = Math.min(to, Date.now());
    return { start: new Date(Math.min(from, until - SPAN_MS_MIN)), end: new Date(until) };
  };
  switch (key) {
    case "+":
    case "=":
      return limited(start + quarter, end - quarter);
    case "-":
      return limited(start - 2 * quarter, end + 2 * quarter);
    case "ArrowLeft":
      return limited(start - quarter, end - quarter);
    case "ArrowRight":
      return limited(start + quarter, end + quarter);
    default:
      return undefined;
  }
}

function dataOf({ points, money }: Pick<BalanceChartProps, "points" | "money">): UPlot.AlignedData {
  return [points.map(({ time }) => time.getTime() / 1000), points.map(({ balance }) => toMajor(balance, money))];
}

function draw(frame: HTMLElement, latest: { readonly current: BalanceChartProps }): UPlot {
  const colours = getComputedStyle(frame);
  const colour = (name: string) => colours.getPropertyValue(name);
  const tip = document.createElement("p");
  tip.className = "tip";
  tip.hidden = true;
  const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
  const stepped = UPlot.paths.stepped?.({ align: 1 });
  const axis = {
    stroke: colour("--chart-ink"),
    font: `12px ${colours.fontFamily}`,
    grid: { stroke: colour("--chart-line"), width: 1 },
    ticks: { show: false },
  };
  const chart = new UPlot(
    {
      width: frame.clientWidth,
      height: HEIGHT_PX,
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
      scales: { y: { range: { min: { pad: 0.1, soft: 0, mode: 1 }, max: { pad: 0.1, soft: 0, mode: 1 } } } },
      axes: [
        { ...axis, size: 32, grid: { show: false }, values: timeLabels },
        { ...axis, size: 56, values: (_, values) => values.map((value) => compact.format(value)) },
      ],
      series: [
        {},
        {
          stroke: colour("--chart-accent"),
          fill: colour("--chart-fill"),
          width: 1.75,
          points: { show: false },
          ...(stepped && { paths: stepped }),
        },
      ],
      hooks: {
        setSelect: [
          ({ select, posToVal, setSelect }) => {
            if (select.width < 4) return;
            const time = (position: number) => new Date(posToVal(position, "x") * 1000);
            const start = time(select.left);
            const end = time(select.left + select.width);
            setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
            if (end.getTime() - start.getTime() >= SPAN_MS_MIN) latest.current.onZoom({ start, end });
          },
        ],
        setCursor: [
          ({ cursor: { idx, left = 0 }, over }) => {
            const { points, money } = latest.current;
            const point = typeof idx === "number" ? points[idx] : undefined;
            tip.hidden = point === undefined || left < 0;
            if (point === undefined) return;
            tip.textContent = `${dateTimeOf(point.time)}  ${formatMoney(point.balance, money)}`;
            tip.style.left = `${Math.min(Math.max(0, left - tip.offsetWidth / 2), over.clientWidth - tip.offsetWidth)}px`;
          },
        ],
      },
    },
    dataOf(latest.current),
    frame,
  );
  chart.over.append(tip);
  chart.over.addEventListener("dblclick", () => latest.current.onReset());
  return chart;
}

const HOURS = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const DAYS = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const MONTHS = new Intl.DateTimeFormat(undefined, { month: "short", year: "2-digit" });

/** Hours, days or months, by the distance of the ticks. Midnight is labelled with its date. */
function timeLabels(_: UPlot, seconds: number[]): string[] {
  const apart = (seconds[1] ?? 0) - (seconds[0] ?? 0);
  return seconds.map((second) => {
    const time = new Date(second * 1000);
    if (apart < 86_400) return (time.getHours() === 0 && time.getMinutes() === 0 ? DAYS : HOURS).format(time);
    return (apart < 27 * 86_400 ? DAYS : MONTHS).format(time);
  });
}
