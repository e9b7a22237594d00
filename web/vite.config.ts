import { readFileSync, readdirSync, existsSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";

/** Licences of everything that goes into the bundle, as one file of the build. */
function licenses(): Plugin {
  const packages = new Set<string>();
  return {
    name: "licenses",
    moduleParsed(info) {
      const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(info.id);
      if (found?.[1]) packages.add(found[1]);
    },
    generateBundle() {
      // NiiVue is one file that holds its own dependencies.
      const bundled = new Set([...packages].flatMap((name) => [name, ...dependenciesOf(name)]));
      const source = [...bundled].sort().map(licenseOf).join("\n");
      this.emitFile({ type: "asset", fileName: "licenses.txt", source });
    },
  };
}

/** NiiVue can read Zarr. The service sends none, and the decoders would be most of the bundle. */
function noZarrCodecs(): Plugin {
  const none = "\0no-codec";
  return {
    name: "no-zarr-codecs",
    enforce: "pre",
    resolveId: (id) => (id.startsWith("numcodecs/") ? none : null),
    load: (id) => (id === none ? "export default undefined;" : null),
  };
}

function manifest(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join("node_modules", name, "package.json"), "utf-8")) as Record<string, unknown>;
}

function dependenciesOf(name: string): string[] {
  const names = Object.keys((manifest(name)["dependencies"] ?? {}) as object);
  return names.filter((one) => existsSync(join("node_modules", one))).flatMap((one) => [one, ...dependenciesOf(one)]);
}

function licenseOf(name: string): string {
  const folder = join("node_modules", name);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const { version, license } = manifest(name);
  const text = file ? readFileSync(join(folder, file), "utf-8") : `Licence: ${String(license)}\n`;
  return `${name} ${String(version)}\n${"=".repeat(60)}\n${text}\n`;
}

export default defineConfig({
  base: "/",
  plugins: [noZarrCodecs(), licenses()],
  build: {
    outDir: "../src/fibrolens/serve/viewer",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 4000,
    // The page's policy allows no data: URLs for fonts or scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
