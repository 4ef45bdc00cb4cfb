import { type ComponentProps, useState } from "react";
import { Icon } from "../components/icon.tsx";
import type { FeedStatus } from "../live/use-feed.ts";
import { doctorPage, paths } from "../route.ts";
import { useSession } from "../session/session.ts";
import { chooseTheme, loadTheme, themeAfter } from "../theme.ts";
import { LiveMark } from "./live-mark.tsx";

const places: readonly {
  readonly href: string;
  readonly icon: ComponentProps<typeof Icon>["name"];
  readonly word: string;
}[] = [
  { href: paths.overview, icon: "overview", word: "Overview" },
  { href: paths.accounts, icon: "accounts", word: "Accounts" },
  { href: paths.activity, icon: "activity", word: "Activity" },
  { href: paths.holds, icon: "holds", word: "Holds" },
  { href: paths.connection, icon: "connection", word: "Connection" },
];

const themeWords = { system: "System", light: "Light", dark: "Dark" } as const;

interface NavigationProps {
  readonly path: string;
  readonly feed: FeedStatus;
  onFind(): void;
  /** Shows the keyboard shortcuts. */
  onHelp(): void;
}

export function Navigation({ path, feed, onFind, onHelp }: NavigationProps) {
  const { caller, may, settings, signOut } = useSession();
  const [theme, setTheme] = useState(loadTheme);
  return (
    <header className="frame">
      <div>
        <a className="wordmark" href={paths.overview}>
          Finance console
        </a>
        <LiveMark status={feed} />
      </div>
      <button type="button" className="quiet find-button" onClick={onFind}>
        <Icon name="find" />
        <span className="spoken">Find</span>
        <span className="spare" aria-hidden="true">
          <kbd>/</kbd>
        </span>
      </button>
      <nav aria-label="Pages">
        <ul>
          {places.map(({ href, icon, word }) => (
            <li key={href}>
              <a href={href} aria-current={isWithin(path, href) ? "page" : undefined}>
                <Icon name={icon} />
                {word}
              </a>
            </li>
          ))}
          {may.write && (
            <li>
              <a
                className="primary"
                href={paths.newTransfer()}
                aria-current={path === "/transfer" || path === "/journal" ? "page" : undefined}
              >
                <Icon name="transfer" />
                <span>
                  <span className="spare">New </span>transfer
                </span>
              </a>
            </li>
          )}
        </ul>
      </nav>
      <div className="who">
        <p className="muted">
          {caller && (
            <>
              Signed in as <strong>{caller}</strong>
              {may.isAdmin && ", admin"}
              {!may.write && ", read only"}
              <br />
            </>
          )}
          <code>{new URL(settings.apiUrl).host}</code>
          <br />
          <a href={doctorPage}>CORS doctor</a>
        </p>
        <button
          type="button"
          className="plain"
          onClick={() => {
            const next = themeAfter(theme);
            chooseTheme(next);
            setTheme(next);
          }}
        >
          <span className="spoken">Theme:&nbsp;</span>
          {themeWords[theme]}
        </button>
        <button type="button" className="plain spare" onClick={onHelp}>
          Shortcuts
        </button>
        <button type="button" className="plain" onClick={signOut}>
          Sign out
        </button>
      </div>
    </header>
  );
}

/** Whether a page belongs to an entry of the navigation: its path starts with the entry's. */
function isWithin(path: string, href: string): boolean {
  const place = href.slice(1);
  if (place === "/activity" && path.startsWith("/transfers/")) return true;
  return place === "/" ? path === "/" : path === place || path.startsWith(`${place}/`);
}
