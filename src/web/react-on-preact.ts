/** The part of React that the page uses, made of Preact: `preact/compat` holds much that it does not. The bundle takes this for `react` and `react-dom/client`. */
import { type ComponentChild, Component, type ComponentType, createElement, render, type VNode } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

export { Component, createContext, createElement, createRef } from "preact";
export { useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

export function useSyncExternalStore<Value>(subscribe: (listener: () => void) => () => void, get: () => Value): Value {
  const [, renderAgain] = useState({});
  const value = get();
  // Preact finishes each render that it begins, so the last render is the one on the screen.
  const shown = useRef({ value, get });
  shown.current = { value, get };
  useLayoutEffect(() => {
    const check = (): void => {
      if (!Object.is(shown.current.value, shown.current.get())) renderAgain({});
    };
    check();
    return subscribe(check);
  }, [subscribe]);
  return value;
}

export function memo<Props extends object>(content: ComponentType<Props>): ComponentType<Props> {
  return class extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      const names = new Set([...Object.keys(next), ...Object.keys(this.props)]) as Set<keyof Props>;
      return [...names].some((name) => !Object.is(next[name], this.props[name as keyof typeof this.props]));
    }
    override render(): ComponentChild {
      return createElement(content, this.props);
    }
  };
}

export function createRoot(parent: Element): { readonly render: (content: VNode) => void } {
  const before = [...parent.childNodes];
  return {
    render(content) {
      render(content, parent);
      // As React does: earlier content goes.
      for (const node of before.splice(0)) node.remove();
    },
  };
}
