// The JSON routes of KnowledgeTree that its pages call, in one place. Each gives back the answer or throws `Refused`.

import { base, call, own } from "./call.js";

const part = encodeURIComponent;

/** Where a person reads an item, whatever becomes of its name and place. */
export const viewAddress = (id) => `${base}/view/${part(id)}`;
/** Where a folder is, by the encoded path that the server gives. */
export const browseAddress = (urlPath) => `${base}/browse/${urlPath}`;

export const node = (id) => own("GET", `/api/node/${part(id)}`);
export const children = (id) => own("GET", `/api/node/${part(id)}/children`);
export const folderTree = () => own("GET", "/api/folders/tree");

/** `more` may have `is_folder`, `is_attached`, `content` and `content_format`. */
export const create = (parent, name, more) => own("POST", "/api/node", { parent_id: parent, name, ...more });
export const change = (id, fields) => own("PUT", `/api/node/${part(id)}`, fields);
export const move = (id, parent) => own("POST", `/api/node/${part(id)}/move`, { new_parent_id: parent });
export const copy = (id, parent, name) => own("POST", `/api/node/${part(id)}/copy`, { new_parent_id: parent, name });
export const remove = (id) => own("DELETE", `/api/node/${part(id)}`);

export const restore = (id, name) => own("POST", `/api/trash/${part(id)}/restore`, name ? { name } : {});
export const purge = (id) => own("DELETE", `/api/trash/${part(id)}`);

export const search = (query, { signal, limit = 10, start = "root" } = {}) =>
  call("GET", `${base}/api/search?${new URLSearchParams({ query, limit, start_node_id: start, include_folders: "true" })}`, undefined, { signal });

/** A text as readers will see it; nothing is stored. */
export const preview = (content, format, { signal } = {}) =>
  call("POST", `${base}/api/content/preview`, { content, content_format: format }, { signal });

/** A text written in the other way; with a `note` it is not the whole of it. */
export const convert = (content, from, to) => own("POST", "/api/content/convert", { content, from, to });

export const attachedFolders = async (id) => (await own("GET", `/api/context/tree/${part(id)}`)).attached_folders;
export const context = (id, excluded) => own("POST", `/api/context/${part(id)}`, { excluded_ids: excluded });

export const versions = async (id) => (await own("GET", `/api/node/${part(id)}/versions`)).versions;
/** What is different between a former state and the present one. */
export const difference = (id, number) => own("GET", `/api/node/${part(id)}/versions/${number}/diff`);
export const version = (id, number) => own("GET", `/api/node/${part(id)}/versions/${number}`);
export const restoreVersion = (id, number, seen) => own("POST", `/api/node/${part(id)}/versions/${number}/restore`, { version: seen });

export const uploadAddress = (id) => `${base}/api/upload/${part(id)}`;
export const deleteFile = (id) => own("DELETE", `/api/files/${part(id)}`);

const SETTINGS = "/codex/api/my/settings";
/** What Codex keeps for the user; pages opened past the gateway have no Codex beside them. */
export const mySettings = () => call("GET", SETTINGS);
export const keepSettings = (settings) => call("PUT", SETTINGS, settings);
