import { type ReactNode, useEffect, useRef } from "react";

interface PageHeadingProps {
  /** Also the title of the browser's tab. */
  readonly title: string;
  /** A link to the list that this page's item belongs to. */
  readonly back?: { readonly href: string; readonly to: string };
  readonly children?: ReactNode;
}

/** The title of a page. It takes the focus when the page opens, for keyboards and screen readers. */
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
