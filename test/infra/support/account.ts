// Prints what a deployment would say of the account that `aws` is logged in to. Usage: node test/infra/support/account.ts
import { production } from '../../../config/production.ts';
import { accountFaults } from '../../../infra/deploy/preflight.ts';
import { awsEnvironment } from '../../../infra/environment.ts';

process.stdout.write(accountFaults(awsEnvironment(production)).join('\n'));
