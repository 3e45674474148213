/**
 * Makes a string mean itself in a Terraform template: `${` becomes `$${` and `%{` becomes `%%{`. Everything that CDKTF
 * writes into its JSON is such a template, so a jobspec with `${NOMAD_PORT_game}` would otherwise be Terraform's to
 * evaluate. CDKTF's own tokens, `${TfToken[…]}`, stay as they are, because CDKTF replaces them before Terraform reads.
 *
 * The one place where this is done, and it is done once: twice would show.
 */
export function escapeTemplate(text: string): string {
  // A function, because in a replacement string `$$` means one `$`.
  return text.replace(/\$\{(?!TfToken\[)|%\{/g, (opening) => `${opening[0] ?? ""}${opening}`);
}
