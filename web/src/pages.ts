/** A page of the viewer. */
export interface Page {
  title: string;
  element: HTMLElement;
  /** Called once the page stands in the document. */
  shown?(): void | Promise<void>;
  close?(): void;
}
