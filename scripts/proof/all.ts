import { proof as fstore } from "../../test/fault/proof.ts";
import { proof as fuzz } from "../../test/fuzz/proof.ts";
import { proof as http } from "../../test/http/proof.ts";
import { proof as tenants } from "../../test/isolation/proof.ts";
import { proof as kill } from "../../test/kill/proof.ts";
import { proof as load } from "../../test/load/proof.ts";
import { proof as net } from "../../test/net/proof.ts";
import { proof as flood } from "../../test/push/flood/proof.ts";
import { proof as power } from "../../test/power/proof.ts";
import type { Proof } from "../../test/proof/proof.ts";
import { proof as security } from "../../test/security/proof.ts";
import { proof as sim } from "../../test/sim/proof.ts";
import { proof as soak } from "../../test/soak/proof.ts";

/** Every harness, in the order in which they run. */
export const allProofs: readonly Proof[] = [
  ...[sim, kill, net, power, fstore, fuzz],
  ...[http, tenants, security, load, flood, soak],
];
