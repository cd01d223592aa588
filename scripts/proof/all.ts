import { proof as adapters } from "../../test/proof/adapters/proof.ts";
import { proof as conform } from "../../test/proof/conform/proof.ts";
import { proof as fstore } from "../../test/proof/fault/proof.ts";
import { proof as fuzz } from "../../test/proof/fuzz/proof.ts";
import { proof as http } from "../../test/proof/history/proof.ts";
import { proof as tenants } from "../../test/proof/isolation/proof.ts";
import { proof as kill } from "../../test/proof/kill/proof.ts";
import { proof as load } from "../../test/proof/load/proof.ts";
import { proof as net } from "../../test/proof/net/proof.ts";
import { proof as flood } from "../../test/proof/flood/proof.ts";
import { proof as power } from "../../test/proof/power/proof.ts";
import type { Proof } from "../../test/proof/proof.ts";
import { proof as security } from "../../test/proof/security/proof.ts";
import { proof as sdk } from "../../test/proof/sdk/proof.ts";
import { proof as sim } from "../../test/proof/sim/proof.ts";
import { proof as upgrade } from "../../test/proof/upgrade/proof.ts";
import { proof as soak } from "../../test/proof/soak/proof.ts";

/** Every harness, in the order in which they run. */
export const allProofs: readonly Proof[] = [
  ...[sim, sdk, kill, net, power, fstore, fuzz],
  ...[http, tenants, security, conform, adapters, upgrade, load, flood, soak],
];
