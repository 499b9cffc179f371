// The least that a Node process can be: plain JavaScript, one built-in module, always 200.
import { createServer } from 'node:http';

createServer((_, response) => response.end('{}')).listen(Number(process.env.PORT), '127.0.0.1');
