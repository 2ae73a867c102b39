// The explorer: what belongs to it, begun in the order in which it depends on each other.

import * as contextMenu from "./context-menu.js";
import * as drag from "./drag.js";
import * as editor from "./editor.js";
import * as exported from "./export.js";
import * as files from "./files.js";
import * as history from "./history.js";
import * as navigate from "./navigate.js";
import { ready } from "./page.js";
import { article, shown } from "./place.js";
import * as search from "./search.js";
import * as tree from "./tree.js";
import * as upload from "./upload.js";
import * as view from "./view.js";

view.start();
files.start(contextMenu.act);
contextMenu.start();
drag.start();
exported.start();
history.start();
search.start();
upload.start();
editor.start();
tree.start();
navigate.start();
document.addEventListener("click", ({ target }) => {
  if (target.closest("#btn-export-context, #btn-export-edit")) exported.exportContext(article());
});
ready();
shown();
