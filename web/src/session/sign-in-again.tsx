import { Dialog } from "../components/dialog.tsx";
import type { Settings } from "../settings.ts";
import { TokenForm } from "./token-form.tsx";

interface SignInAgainProps {
  readonly settings: Settings;
  /** Why the last token is taken no longer. */
  readonly refusal: string;
  onSignIn(token: string): void;
}

/** Asks for a new token above the page. */
export function SignInAgain({ settings, refusal, onSignIn }: SignInAgainProps) {
  return (
    <Dialog title="Sign in again">
      <p>The service turned the token away: {refusal}. What you typed on this page stays.</p>
      <TokenForm settings={settings} onSignIn={onSignIn} />
    </Dialog>
  );
}
