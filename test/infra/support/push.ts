// Pushes an image as a deployment of production does, and prints its digest. Usage: node test/infra/support/push.ts TAG
import { imageRepository } from '../../../config/aws-names.ts';
import { production } from '../../../config/production.ts';
import { push } from '../../../k8s/deploy/image.ts';

const repository = imageRepository(production);
const digest = await push(`${repository}:${process.argv[2]}`, repository, production, new AbortController().signal);
process.stdout.write(`digest ${digest}\n`);
