import { useCallback, useEffect, useState } from "react";
import { AccountPage } from "../account/account-page.tsx";
import { StatementPage } from "../account/statement-page.tsx";
import { AccountsPage } from "../accounts/accounts-page.tsx";
import { NewAccountPage } from "../accounts/new-account-page.tsx";
import { OverviewPage } from "../books/overview-page.tsx";
import { FailureBoundary } from "../components/failure-boundary.tsx";
import { PageHeading } from "../components/page-heading.tsx";
import { ConnectionPage } from "../connection/connection-page.tsx";
import { FindDialog } from "../find/find-dialog.tsx";
import { useFeed } from "../live/use-feed.ts";
import { paths, readId, useFragment, usePath } from "../route.ts";
import { useSession } from "../session/session.ts";
import { loadToken } from "../session/token.ts";
import { ActivityPage } from "../transfers/activity-page.tsx";
import { HoldsPage } from "../transfers/holds-page.tsx";
import { JournalPage } from "../transfers/journal-page.tsx";
import { NewTransferPage } from "../transfers/new-transfer-page.tsx";
import { TransferPage } from "../transfers/transfer-page.tsx";
import { ConnectionBanner } from "./connection-banner.tsx";
import { Navigation } from "./navigation.tsx";
import { ShortcutsDialog, useShortcuts } from "./shortcuts.tsx";

/** The pages whose query holds filters. */
const FILTERED = /^\/(?:activity|accounts(?:\/\d+)?)\/?$/;

/** The frame around every page: navigation, and a banner while the service is away. */
export function Shell() {
  const path = usePath();
  const address = useFragment();
  const feed = useFeed();
  const [opened, setOpened] = useState<"find" | "shortcuts">();
  const onFind = useCallback(() => setOpened("find"), []);
  const onHelp = useCallback(() => setOpened("shortcuts"), []);
  const onClose = useCallback(() => setOpened(undefined), []);
  useShortcuts({ onFind, onHelp });
  // As browsers do when they open a page.
  useEffect(() => {
    if (path !== "") window.scrollTo(0, 0);
  }, [path]);
  return (
    <div className="shell">
      <Navigation path={path} feed={feed} onFind={onFind} onHelp={onHelp} />
      <div className="content">
        <ConnectionBanner />
        {/* A new address, or a new query, starts a new page: nothing typed into the old one stays. Filters change a page. */}
        <main key={FILTERED.test(path) ? path : address}>
          <FailureBoundary what="This page" address={address}>
            <Page path={path} />
          </FailureBoundary>
        </main>
      </div>
      {opened === "find" && <FindDialog onClose={onClose} onShortcuts={onHelp} />}
      {opened === "shortcuts" && <ShortcutsDialog onClose={onClose} />}
    </div>
  );
}

function Page({ path }: { readonly path: string }) {
  const { may, settings } = useSession();
  const place = path.replace(/\/$/, "");
  if (place === "/connection") return <ConnectionPage settings={settings} token={loadToken()} />;
  if (!may.read) return <Unreadable />;
  const [, room, number = "", part] = /^\/(accounts|transfers)\/(\d+)(?:\/(statement))?$/.exec(place) ?? [];
  const id = readId(number);
  if (id !== undefined && room === "accounts") return part ? <StatementPage id={id} /> : <AccountPage id={id} />;
  if (id !== undefined && part === undefined) return <TransferPage id={id} />;
  switch (place) {
    case "":
      return <OverviewPage />;
    case "/accounts":
      return <AccountsPage />;
    case "/accounts/new":
      return may.write ? <NewAccountPage /> : <ReadOnly title="New account" />;
    case "/activity":
      return <ActivityPage />;
    case "/holds":
      return <HoldsPage />;
    case "/transfer":
      return may.write ? <NewTransferPage /> : <ReadOnly title="New transfer" />;
    case "/journal":
      return may.write ? <JournalPage /> : <ReadOnly title="New journal" />;
  }
  return (
    <>
      <PageHeading title="Page not found" />
      <p>
        <a href={paths.overview}>Go to the overview</a>
      </p>
    </>
  );
}

/** Replaces every page that the service would refuse to fill. */
function Unreadable() {
  return (
    <>
      <PageHeading title="Nothing to show" />
      <p>Your token lacks the scope finance.read. Sign out, and sign in with a token that has it.</p>
    </>
  );
}

/** Replaces a form that the caller may not send. */
function ReadOnly({ title }: { readonly title: string }) {
  return (
    <>
      <PageHeading title={title} />
      <p>Your token can't change anything: it lacks the scope finance.write.</p>
    </>
  );
}
