/** The metadata that callers put on an account or a transfer; renders nothing if there is none. */
export function Metadata({ metadata }: { readonly metadata: Readonly<Record<string, string>> }) {
  const notes = Object.entries(metadata);
  if (notes.length === 0) return null;
  return (
    <section className="metadata" aria-labelledby="metadata-heading">
      <h2 id="metadata-heading">Metadata</h2>
      <dl className="details">
        {notes.map(([key, value]) => (
          <div key={key}>
            <dt>
              <code>{key}</code>
            </dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
