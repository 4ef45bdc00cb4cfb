import type { ReactNode } from "react";

export interface PreviewRow {
  readonly key: string;
  readonly what: ReactNode;
  readonly before: ReactNode;
  readonly after: ReactNode;
}

interface PreviewProps {
  readonly label: string;
  readonly rows: readonly PreviewRow[];
}

/** What an action would change: each value before and after. Nothing without rows. */
export function Preview({ label, rows }: PreviewProps) {
  if (rows.length === 0) return null;
  return (
    <section className="preview" aria-label={label}>
      {rows.map(({ key, what, before, after }) => (
        <p key={key}>
          <span>{what}</span>
          <span>
            {before} → <strong>{after}</strong>
          </span>
        </p>
      ))}
    </section>
  );
}
