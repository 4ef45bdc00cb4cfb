import { type ReactNode, useEffect, useRef } from "react";

interface PageHeadingProps {
  /** Also the title of the browser's tab. */
  readonly title: string;
  /** The list that the page is about an element of. */
  readonly back?: { readonly href: string; readonly to: string };
  readonly children?: ReactNode;
}

/** The name of a page; a keyboard or a screen reader goes on from here when the page is opened. */
export function PageHeading({ title, back, children }: PageHeadingProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Finance console`;
  }, [title]);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <div className="page-heading">
      {back && (
        <a className="back" href={back.href}>
          <span aria-hidden="true">← </span>
          {back.to}
        </a>
      )}
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </div>
  );
}
