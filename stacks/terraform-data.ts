import {
  listMapper,
  listMapperHcl,
  type LocalExecProvisioner,
  stringToHclTerraform,
  stringToTerraform,
  TerraformResource,
} from "cdktf";
import type { Construct } from "constructs";

export interface TerraformDataProps {
  /** When one of these changes, the resource is destroyed and made anew. */
  readonly triggersReplace: readonly string[];
  readonly provisioners: readonly LocalExecProvisioner[];
  readonly dependsOn?: readonly TerraformResource[];
}

/**
 * Terraform's own resource without a provider. CDKTF's class for it runs `terraform version` at synthesis, and synthesis
 * has to work where no Terraform is.
 */
export class TerraformData extends TerraformResource {
  constructor(
    scope: Construct,
    id: string,
    private readonly props: TerraformDataProps,
  ) {
    super(scope, id, {
      terraformResourceType: "terraform_data",
      // Terraform takes an empty list for a block without a type.
      ...(props.provisioners.length === 0 ? {} : { provisioners: [...props.provisioners] }),
      ...(props.dependsOn === undefined ? {} : { dependsOn: [...props.dependsOn] }),
    });
  }

  protected override synthesizeAttributes(): Record<string, unknown> {
    return { triggers_replace: listMapper(stringToTerraform, false)([...this.props.triggersReplace]) };
  }

  /** For `cdktf synth --hcl`. */
  protected override synthesizeHclAttributes(): Record<string, unknown> {
    const value = listMapperHcl(stringToHclTerraform, false)([...this.props.triggersReplace]) as unknown;
    return { triggers_replace: { value, isBlock: false, type: "list", storageClassType: "stringList" } };
  }
}
