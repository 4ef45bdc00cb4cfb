/** Decorative line icons, 20 by 20, in the colour of the text. The words beside them carry the meaning. */
const shapes = {
  overview: "M3 10.5 10 4l7 6.5M5 9v7h10V9",
  accounts: "M3 6.5h14M3 10h14M3 13.5h9",
  activity: "M4 7h11m0 0-3-3m3 3-3 3M16 13H5m0 0 3-3m-3 3 3 3",
  holds: "M10 5v5l3 2M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0",
  connection: "M4 8a9 9 0 0 1 12 0M6.5 11a5.4 5.4 0 0 1 7 0M10 14.5h.01",
  transfer: "M10 4v12M4 10h12",
  find: "M13 13l4 4M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12",
  copy: "M7.5 7.5h8v9h-8zM12.5 7.5v-4h-8v9h3",
  done: "m4.5 10.5 4 4 7-8",
} as const;

export function Icon({ name }: { readonly name: keyof typeof shapes }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={shapes[name]} />
    </svg>
  );
}
