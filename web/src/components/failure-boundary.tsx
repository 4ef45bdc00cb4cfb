import { Component, type ReactNode } from "react";

interface FailureBoundaryProps {
  /** As "This page". */
  readonly what: string;
  /** A new address shows the children again. */
  readonly address?: string;
  readonly children: ReactNode;
}

interface FailureBoundaryState {
  readonly failure: Error | undefined;
}

/** Confines an exception of the console's own code to one part of the page, with buttons to recover. Works outside of a session. */
export class FailureBoundary extends Component<FailureBoundaryProps, FailureBoundaryState> {
  override readonly state: FailureBoundaryState = { failure: undefined };

  static getDerivedStateFromError(thrown: unknown): FailureBoundaryState {
    return { failure: thrown instanceof Error ? thrown : new Error(String(thrown)) };
  }

  override componentDidUpdate({ address }: FailureBoundaryProps): void {
    if (this.state.failure !== undefined && address !== this.props.address) this.setState({ failure: undefined });
  }

  override render(): ReactNode {
    const { failure } = this.state;
    if (failure === undefined) return this.props.children;
    return (
      <div className="problem" role="alert">
        <p>
          <strong>{this.props.what} failed:</strong> {failure.message}
        </p>
        <p className="muted">Reloading fetches the newest version of the console.</p>
        <div className="actions">
          <button type="button" onClick={() => this.setState({ failure: undefined })}>
            Try again
          </button>
          <button type="button" className="quiet" onClick={() => window.location.reload()}>
            Reload the console
          </button>
        </div>
      </div>
    );
  }
}
