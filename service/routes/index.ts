// All routes, in the order in which documentation lists them.
import type { RouteDeclaration } from '../route.ts';
import { deleteFile } from './files.delete.ts';
import { getFile } from './files.get.ts';
import { listFiles } from './files.list.ts';
import { getHealth } from './health.get.ts';
import { indexOf } from './index.get.ts';
import { createKey } from './keys.create.ts';
import { listKeys } from './keys.list.ts';
import { revokeKey } from './keys.revoke.ts';
import { getLive } from './live.get.ts';
import { getLoad } from './load.get.ts';
import { deleteSession } from './session.delete.ts';
import { getSession } from './session.get.ts';
import { postSession } from './session.post.ts';
import { upload } from './upload.post.ts';

const listed: readonly RouteDeclaration[] = [
  getHealth,
  getLive,
  getSession,
  postSession,
  deleteSession,
  upload,
  listFiles,
  getFile,
  deleteFile,
  getLoad,
  createKey,
  listKeys,
  revokeKey,
];

export const routes: readonly RouteDeclaration[] = [indexOf(listed), ...listed];
