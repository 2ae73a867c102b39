// Several views in turn, without leaving the page: it stays in full screen and keeps its sound.

/** The view whose turn it is after the one `at`, and those that are passed over because they cannot be shown just now. */
export function next(views, at) {
  const passed = [];
  for (let step = 1; step < views.length; step += 1) {
    const view = views[(at + step) % views.length];
    if (view.canBeShown) return { view, passed };
    passed.push(view);
  }
  return { view: null, passed };
}

/** Shows each of `views` for `seconds`; `shown()` is the one that is to be seen. */
export function start(views, seconds, shown, show) {
  if (!(seconds > 0) || views.length < 2) return;
  setInterval(() => {
    const { view, passed } = next(views, views.indexOf(shown()));
    // By its next turn it may be well again.
    for (const other of passed) other.refresh();
    if (view) show(view);
  }, seconds * 1000);
}
