import { optional } from './setting.js';
import { DURATION, LOCAL_PATH, TEXT } from './types.js';

/** Restores that are only tried. */
export const DRILL_SETTINGS = {
  drillImage: optional(TEXT, {
    section: 'Drill',
    name: 'coolify_drill_image',
    env: 'COOLIFY_STATE_DRILL_IMAGE',
    defaultText: '`coolify-state/drill-host`, built from docker/drill-host when it is not there',
    description:
      'The image that a `drill` starts its throwaway host from: a server with sshd and a Docker engine of its own. See docs/drill.md for what it has to bring.',
  }),
  drillVolume: optional(TEXT, {
    section: 'Drill',
    name: 'coolify_drill_volume',
    env: 'COOLIFY_STATE_DRILL_VOLUME',
    description:
      "A Docker volume of this machine that the throwaway host's engine begins with (a copy of it): images that need not be fetched then.",
  }),
  drillMaxRto: optional(DURATION, {
    section: 'Drill',
    name: 'coolify_drill_max_rto',
    env: 'COOLIFY_STATE_DRILL_MAX_RTO',
    description:
      'How long a recovery may take, from the start of the fetch to the last proof, without installing Coolify. A drill that takes longer fails.',
  }),
  drillMaxRpo: optional(DURATION, {
    section: 'Drill',
    name: 'coolify_drill_max_rpo',
    env: 'COOLIFY_STATE_DRILL_MAX_RPO',
    description: 'How old the newest snapshot may be when a drill begins. A drill of an older one fails.',
  }),
  evidenceKeyPath: optional(LOCAL_PATH, {
    section: 'Drill',
    name: 'coolify_evidence_key_path',
    env: 'COOLIFY_STATE_EVIDENCE_KEY_PATH',
    defaultText: 'none: evidence is not signed, and says so',
    description: 'The private SSH key (ed25519 or RSA) that signs the evidence of drills.',
  }),
  evidenceSignersPath: optional(LOCAL_PATH, {
    section: 'Drill',
    name: 'coolify_evidence_signers_path',
    env: 'COOLIFY_STATE_EVIDENCE_SIGNERS_PATH',
    description:
      "Whose signatures `verify --evidence` trusts: a public key (`.pub`), or a file of them in ssh-keygen's format of allowed signers.",
  }),
} as const;
