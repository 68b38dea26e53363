"use strict";
// Two views of NiiVue on one canvas, each with a part of it: the image, the map of a method, the outline of the lesion.
const OPTIONS = {
  backColor: [0, 0, 0, 1], crosshairColor: [0.34, 0.71, 0.91, 0.8], crosshairWidth: 0.6, crosshairWidthUnit: "mm", crosshairGap: 3,
  isNearestInterpolation: true, showAllOrientationMarkers: true, isRadiologicalConvention: false,
  dragAndDropEnabled: false, dragMode: 0, logLevel: "silent", multiplanarForceRender: false, multiplanarShowRender: 0,
  fontColor: [0.9, 0.9, 0.9, 1], loadingText: "", isOrientCube: false, boundsBorderColor: [0, 0, 0, 0],
};
const LESION = { R: [0, 213], G: [0, 94], B: [0, 0], A: [0, 255], labels: ["", "lesion"] };
// In NiiVue's shader the outline lies below the map; here it lies above it, and is twice as wide.
const OUTLINE_ON_TOP = [
  ["dcolor.a = drawRimOpacity;", "{ dcolor.a = drawRimOpacity; ocolor.a *= 1.0 - drawRimOpacity; }"],
  ["vec3 offsetX = dFdx(texPos);", "vec3 offsetX = 2.0 * dFdx(texPos);"],
  ["vec3 offsetY = dFdy(texPos);", "vec3 offsetY = 2.0 * dFdy(texPos);"],
];
const volumeOf = (base64, name) => niivue.NVImage.loadFromBase64({ base64, name: `${name}.nii.gz`, cal_min: 0, cal_max: 255 });

class Scene {
  // moved(voxel, mm): called when the crosshair has moved.
  constructor(canvas, moved) {
    this.canvas = canvas;
    this.moved = moved;
    this.views = [];
    this.hidden = new Set();
    this.moving = false;
  }

  async start() {
    // Made before NiiVue does, so that what one view has drawn stays while the other one draws.
    const context = this.canvas.getContext("webgl2", { alpha: true, antialias: false, preserveDrawingBuffer: true });
    if (!context) throw new Error("this browser has no WebGL 2");
    const compile = context.shaderSource.bind(context);
    context.shaderSource = (shader, text) => compile(shader, OUTLINE_ON_TOP.reduce((all, [from, to]) => all.replace(from, to), text));
    for (const place of [0, 1]) {
      const view = new niivue.Niivue({ ...OPTIONS });
      const draw = view.drawScene.bind(view);
      view.drawScene = () => (this.hidden.has(place) ? undefined : draw());
      await view.attachToCanvas(this.canvas, false);
      view.drawOpacity = 0.004; // with 0 there would be no outline either
      view.drawRimOpacity = 1;
      view.setDrawColormap(LESION);
      view.onLocationChange = ({ mm, vox }) => this.follow(place, mm, vox);
      this.views.push(view);
    }
  }

  // The other view gets the same crosshair.
  follow(place, mm, voxel) {
    if (this.moving) return;
    this.moving = true;
    const other = this.views[1 - place];
    other.scene.crosshairPos = [...this.views[place].scene.crosshairPos];
    this.redraw();
    this.moving = false;
    this.moved([...voxel].map(Math.round), mm);
  }

  redraw() {
    this.views.forEach((view) => view.drawScene());
  }

  // Shows a case: its image and lesion in both views, without maps.
  async showCase(image, lesion) {
    for (const view of this.views) {
      view.closeDrawing();
      [...view.volumes].forEach((volume) => view.removeVolume(volume));
      const base = await volumeOf(image, "image");
      view.addVolume(base);
      view.loadDrawing(await volumeOf(lesion, "lesion"));
    }
    return this.views[0].volumes[0].hdr.dims.slice(1, 4);
  }

  // The map of a method in one view; returns its levels over voxels.
  async showMap(place, levels) {
    const view = this.views[place];
    view.volumes.slice(1).forEach((volume) => view.removeVolume(volume));
    const volume = await volumeOf(levels, `map-${place}`);
    view.addVolume(volume);
    return volume.img;
  }

  // Colours of the levels of a map; those below `level` are transparent. colour(level) -> [red, green, blue].
  paint(place, level, colour) {
    const map = { R: [], G: [], B: [], A: [], I: [] };
    for (let one = 0; one < 256; one += 1) {
      const [red, green, blue] = colour(one);
      map.R.push(red); map.G.push(green); map.B.push(blue);
      map.A.push(one && one >= level ? 220 : 0);
      map.I.push(one);
    }
    const view = this.views[place], name = `levels-${place}`;
    view.addColormap(name, map);
    view.setColormap(view.volumes[1].id, name);
  }

  outline(shown) {
    this.views.forEach((view) => { view.drawRimOpacity = shown ? 1 : 0.004; });
    this.redraw();
  }

  slices(type) {
    this.views.forEach((view) => view.setSliceType(type));
    this.redraw();
  }

  // Side by side (above each other where the canvas is narrow), or one view on the whole canvas.
  arrange(shown) {
    const narrow = this.canvas.clientWidth < 700;
    const halves = narrow ? [[0, 0.5, 1, 1], [0, 0, 1, 0.5]] : [[0, 0, 0.5, 1], [0.5, 0, 1, 1]];
    this.hidden = new Set([0, 1].filter((place) => !shown.includes(place)));
    this.views.forEach((view, place) => view.setBounds(shown.length > 1 ? halves[place] : [0, 0, 1, 1]));
    this.redraw();
  }

  moveTo(voxel) {
    const view = this.views[0];
    view.scene.crosshairPos = view.vox2frac(voxel);
    view.createOnLocationChange();
  }
}
