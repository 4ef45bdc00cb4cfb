import { useEffect, useState } from "react";

/** Wait this long after the last change. */
const PAUSE_MS = 250;

/** A text as it was when it last stayed the same for a moment: the service is asked about that, not about each letter. */
export function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
