/** Path below the repository's root -> content. */
export type GeneratedFiles = Map<string, string>;

export declare function renderCatalogue(
  contracts: typeof import('@tickwire/contracts'),
  sourcesFolder: string,
): GeneratedFiles;

export declare function staleFiles(root: string, files: GeneratedFiles): string[];

export declare function writeFiles(root: string, files: GeneratedFiles): void;
