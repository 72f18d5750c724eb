/** What package.json of the repository says, as far as it matters here. */
export type Repository = {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly engines: { readonly [name: string]: string };
  readonly exports: { readonly [path: string]: string };
  readonly dependencies: { readonly [name: string]: string };
  readonly devDependencies?: { readonly [name: string]: string };
};

/**
 * package.json of the package: the exports of the repository as JavaScript, and of its dependencies those that the sources name, with their
 * pinned versions: numbers have the same bits everywhere.
 * @param sources texts of all that is in the package
 * @param optional packages that only a part of the exports needs: peers that may be missing
 */
export function packageManifest(repository: Repository, sources: readonly string[], optional: readonly string[]) {
  const { name, version, description, license, engines, exports, dependencies, devDependencies = {} } = repository;
  const isUsed = ([dependency]: readonly [string, string]) => sources.some((source) => names(source, dependency));
  const used = Object.entries(dependencies).filter(isUsed);
  // Their users have them for other things, too: any version that goes with the pinned one.
  const peers = Object.entries({ ...devDependencies, ...dependencies })
    .filter((entry) => optional.includes(entry[0]) && isUsed(entry))
    .map(([dependency, pinned]) => [dependency, `^${pinned}`] as const);
  const emitted = (path: string, extension: string) => path.replace(/\.ts$/, extension);
  return {
    ...{ name, version, description, license },
    type: "module",
    engines,
    sideEffects: false,
    exports: {
      ...Object.fromEntries(
        Object.entries(exports).map(([place, path]) => [place, { types: emitted(path, ".d.ts"), default: emitted(path, ".js") }]),
      ),
      "./package.json": "./package.json",
    },
    files: ["**/*.js", "**/*.cjs", "**/*.d.ts", "**/*.map", "**/*.wasm", "**/NOTICE"],
    dependencies: Object.fromEntries(used.filter(([dependency]) => !optional.includes(dependency))),
    ...(peers.length === 0
      ? {}
      : {
          peerDependencies: Object.fromEntries(peers),
          peerDependenciesMeta: Object.fromEntries(peers.map(([dependency]) => [dependency, { optional: true }])),
        }),
  };
}

/** Whether a source loads a package or a part of it. */
function names(source: string, dependency: string): boolean {
  return ["from ", "import ", "import(", "require(", ")("].some((before) =>
    ['"', "/"].some((after) => source.includes(`${before}"${dependency}${after}`)),
  );
}
