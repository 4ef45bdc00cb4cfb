const marks = {
  passed: { sign: "✓", word: "Yes:" },
  failed: { sign: "✗", word: "No:" },
  note: { sign: "!", word: "Note:" },
} as const;

/** How a step went, readable without colours. */
export function StepMark({ result }: { readonly result: keyof typeof marks }) {
  const { sign, word } = marks[result];
  return (
    <span className={`mark ${result}`}>
      <span aria-hidden="true">{sign}</span>
      <span className="unseen">{word}</span>
    </span>
  );
}
