import { Component, type ReactNode } from "react";

type BoundaryProps = {
  /** What is shown in the place of something that cannot be drawn. */
  readonly plain: ReactNode;
  readonly children: ReactNode;
};

/** What cannot be drawn takes nothing with it that is outside of this. */
export class Boundary extends Component<BoundaryProps, { readonly isBroken: boolean }> {
  override state = { isBroken: false };

  override componentDidCatch(fault: unknown): void {
    console.error(fault);
    this.setState({ isBroken: true });
  }

  override render(): ReactNode {
    return this.state.isBroken ? this.props.plain : this.props.children;
  }
}
