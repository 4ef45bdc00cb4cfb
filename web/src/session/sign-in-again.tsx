import { Dialog } from "../components/dialog.tsx";
import type { Settings } from "../settings.ts";
import { TokenForm } from "./token-form.tsx";

interface SignInAgainProps {
  readonly settings: Settings;
  /** Why the service refused the last token. */
  readonly refusal: string;
  onSignIn(token: string): void;
}

/** A dialog above the page that asks for a new token. */
export function SignInAgain({ settings, refusal, onSignIn }: SignInAgainProps) {
  return (
    <Dialog title="Sign in again">
      <p>The service refused the token: {refusal}. Everything you typed on this page is kept.</p>
      <TokenForm settings={settings} onSignIn={onSignIn} />
    </Dialog>
  );
}
