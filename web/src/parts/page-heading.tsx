import { type ReactNode, useEffect, useRef } from "react";

interface PageHeadingProps {
  /** Also the title of the browser's tab. */
  readonly title: string;
  readonly children?: ReactNode;
}

/** The name of a page; a keyboard or a screen reader goes on from here when the page is opened. */
export function PageHeading({ title, children }: PageHeadingProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Finance console`;
  }, [title]);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <div className="page-heading">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </div>
  );
}
