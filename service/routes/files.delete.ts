import { Problem } from '../errors.ts';
import { route } from '../route.ts';
import { fileParams } from './files.get.ts';

export const deleteFile = route({
  method: 'DELETE',
  path: '/files/:id',
  summary: 'Delete a file',
  description: 'Hides the file at once, then removes its content.',
  scope: 'files:write',
  rateLimit: 'key',
  params: fileParams,
  responses: { 204: { description: 'Deleted.' } },
  errors: ['not_found'],
  async handle({ params: { id } }, { files }) {
    if (!(await files.remove(id))) throw new Problem('not_found');
    return { status: 204 };
  },
});
