import { scramVerifier } from '../../service/database/scram.ts';

describe('what PostgreSQL keeps of a password', () => {
  it('is what PostgreSQL itself makes of it', () => {
    // Made by PostgreSQL 15.18: CREATE ROLE x PASSWORD 'pencil'; SELECT rolpassword FROM pg_authid
    const made =
      'SCRAM-SHA-256$4096:o8Mlz8S/1P8IUmOWBgDIXw==$F9zmksmOK6qSOYXDvb142boVaBntMwcfsa1GUwS9GMg=:ap4O2EKhWJ0q4bipZvIBIMYGhp1TTBQKAkPMhp52ynA=';
    const salt = Buffer.from(made.split(/[:$]/)[2] ?? '', 'base64');
    expect(scramVerifier('pencil', salt)).toBe(made);
  });

  it('has another salt each time', () => {
    expect(scramVerifier('pencil')).not.toBe(scramVerifier('pencil'));
  });
});
