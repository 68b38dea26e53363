"use strict";
// Volumes and facts come as scripts, the only files that a page from file:// may load. A script calls uadReceive(name, value).
const received = new Map();

function uadReceive(name, value) {
  received.set(name, value);
}

// The value that a script brings; nothing is kept, so that one case at a time is in memory.
function load(name) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = name === "index" ? "index.js" : `cases/${name}.js`;
    element.onload = () => {
      const value = received.get(name);
      received.delete(name);
      element.remove();
      if (value) resolve(value);
      else reject(new Error(`${name} holds something else`));
    };
    element.onerror = () => { element.remove(); reject(new Error(`${element.src} cannot be read`)); };
    document.head.append(element);
  });
}
