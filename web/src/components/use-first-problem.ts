import { type RefObject, useEffect, useState } from "react";

/** @returns A function that focuses the form's first field with a problem, once it is rendered, and opens the details around it. */
export function useFirstProblem(form: RefObject<HTMLElement | null>): () => void {
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (asked === 0) return;
    const field = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    const details = field?.closest("details");
    if (details) details.open = true;
    field?.focus();
  }, [asked, form]);
  return () => setAsked((before) => before + 1);
}
